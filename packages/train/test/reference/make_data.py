"""Makes data.json: splits by scikit-learn's MurmurHash3, masks resampled by nibabel, .npz files by numpy.

Run: python make_data.py   (made with numpy 2, nibabel 5.4, scikit-learn 1.9)
"""
import base64
import io
import json
import pathlib

import nibabel as nib
import numpy as np
from nibabel.eulerangles import euler2mat
from nibabel.processing import resample_from_to
from sklearn.utils import murmurhash3_32

rng = np.random.default_rng(8)

groups = [f"patient_{i}" for i in range(23)] + ["0001", "001", "1", "Müller"]
# Names that are nearly the same are drawn as one, by the first of them.
first = {"001": "0001", "1": "0001"}
splits = {}
for seed in (0, 1):
    distinct = [group for group in groups if group not in first]
    ordered = sorted(distinct, key=lambda group: murmurhash3_32(f"{seed}:{group}".encode(), seed=0, positive=True))
    validating = ordered[: round(0.2 * len(distinct))]
    splits[seed] = sorted(group for group in groups if first.get(group, group) in validating)


def affine(spacing, angles, origin):
    out = np.eye(4)
    out[:3, :3] = euler2mat(*angles) @ np.diag(spacing)
    out[:3, 3] = origin
    return out


def x_fastest(array):
    return [int(v) for v in np.asarray(array).ravel(order="F")]


masks = []
for image_shape, image_affine, mask_shape, mask_affine in [
    ((16, 15, 5), affine((0.977, 0.977, 3), (0, 0, 0), (-8.1, -7.3, 0.2)), (5, 4, 5), affine((3.516, 3.516, 3), (0, 0, 0), (-7.2, -6.1, 0.4))),
    ((9, 8, 7), affine((1.1, -0.9, 2), (0.3, -0.2, 0.5), (3, 4, -5)), (6, 7, 8), affine((-1.7, 1.9, 1.3), (-0.1, 0.4, 0.2), (8, -2, -3))),
]:
    mask = (rng.uniform(0, 1, mask_shape) > 0.5).astype(np.uint8) * 3
    image = nib.Nifti1Image(np.zeros(image_shape, np.uint8), image_affine)
    # grid-constant: a voxel reaches half its size beyond its centre; scipy's "constant" would cut the outermost half voxel off
    out = resample_from_to(nib.Nifti1Image(mask, mask_affine), image, order=0, mode="grid-constant", cval=0)
    masks.append({
        "image": {"shape": image_shape, "affine": image_affine.ravel().tolist()},
        "mask": {"shape": mask_shape, "affine": mask_affine.ravel().tolist(), "data": x_fastest(mask)},
        "resampled": x_fastest(np.asarray(out.dataobj) > 0),
    })


def npz(**arrays):
    target = io.BytesIO()
    np.savez_compressed(target, **arrays)
    return base64.b64encode(target.getvalue()).decode()


def images(n):
    return rng.integers(0, 256, (n, 3, 4, 5), dtype=np.uint8)


train, val = images(4), images(2)
archives = {
    "binary": npz(train_images=train, train_labels=np.array([[0], [1], [1], [0]], np.uint8), val_images=val, val_labels=np.array([[1], [0]], np.uint8)),
    "flat": npz(train_images=train, train_labels=np.array([0, 1, 1, 0], np.int64), val_images=val, val_labels=np.array([1, 0], np.int64)),
    "multiclass": npz(train_images=train, train_labels=np.array([[0], [2], [1], [0]]), val_images=val, val_labels=np.array([[2], [1]])),
    "multilabel": npz(train_images=train, train_labels=np.array([[0, 1], [1, np.nan], [1, 1], [0, 0]]), val_images=val, val_labels=np.array([[1, 0], [0, 1.0]])),
    "without val": npz(train_images=train, train_labels=np.array([[0], [1], [1], [0]], np.uint8)),
    "wrong length": npz(train_images=train, train_labels=np.array([[0], [1], [1]], np.uint8), val_images=val, val_labels=np.array([[1], [0]], np.uint8)),
    "label 2": npz(train_images=train, train_labels=np.array([[0], [1], [2], [0]], np.uint8), val_images=val, val_labels=np.array([[1], [0]], np.uint8)),
    "photographs": npz(train_images=np.zeros((4, 28, 28, 3), np.uint8), train_labels=np.array([[0], [1], [1], [0]], np.uint8), val_images=val, val_labels=np.array([[1], [0]], np.uint8)),
    "flat images": npz(train_images=np.zeros((4, 28, 28), np.uint8), train_labels=np.array([[0], [1], [1], [0]], np.uint8), val_images=val, val_labels=np.array([[1], [0]], np.uint8)),
}
third = {"shape": [5, 4, 3], "data": [int(v) for v in train[2].ravel(order="C")]}
result = {"splits": splits, "groups": groups, "masks": masks, "npz": archives, "third": third}
pathlib.Path(__file__).with_name("data.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
