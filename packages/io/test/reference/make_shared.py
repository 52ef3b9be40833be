"""Makes shared.json: for each volume of the reference data beside the repository, shape, affine (mm, RAS+), type, and the SHA-256 of its voxels as
float32, x fastest, as SimpleITK (NRRD, MetaImage), nibabel (NIfTI) and numpy (MedMNIST) read them.

Run: python make_shared.py FOLDER   (FOLDER holds io/ and adrenal/; made with SimpleITK 2.5, nibabel 5.4, numpy 2.4)
"""
import hashlib
import json
import pathlib
import sys

import nibabel as nib
import numpy as np
import SimpleITK as sitk

root = pathlib.Path(sys.argv[1])
LPS = np.diag([-1.0, -1, 1, 1])


def voxels(values):
    """values with z first, x last"""
    return hashlib.sha256(np.ascontiguousarray(values, "<f4").tobytes()).hexdigest()


found = {}
for path in sorted([*root.glob("io/nrrd/*.nrrd"), *root.glob("io/mha/*.mha")]):
    img = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(img.GetDirection()).reshape(3, 3) * np.array(img.GetSpacing())
    affine[:3, 3] = img.GetOrigin()
    values = sitk.GetArrayFromImage(img)
    found[str(path.relative_to(root))] = {
        "shape": list(img.GetSize()),
        "affine": (LPS @ affine).ravel().tolist(),
        "dtype": values.dtype.name,
        "sha256": [voxels(values)],
    }
for path in sorted(root.glob("io/nifti/*.nii*")):
    img = nib.load(path)
    values = img.get_fdata()
    frames = [values[..., t] for t in range(values.shape[3])] if values.ndim == 4 else [values]
    found[str(path.relative_to(root))] = {
        "shape": list(values.shape[:3]),
        "affine": img.affine.ravel().tolist(),
        "sha256": [voxels(frame.transpose(2, 1, 0)) for frame in frames],
    }
array = np.load(root / "adrenal/adrenalmnist3d_64_trainval.npz")["train_images"]
found["adrenal/adrenalmnist3d_64_trainval.npz"] = {"shape": list(array.shape[:0:-1]), "affine": [], "dtype": array.dtype.name, "array": "train_images[17]", "sha256": [voxels(array[17])]}
pathlib.Path(__file__).with_name("shared.json").write_text(json.dumps(found, indent=1) + "\n")
