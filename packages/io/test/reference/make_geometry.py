"""Makes geometry.json: what SimpleITK's ResampleImageFilter, nibabel's orientation functions and scipy's Gaussian make of small volumes.

Run: python make_geometry.py   (made with SimpleITK 2.5, nibabel 5.4, scipy 1.17, numpy 2.4)
"""
import json
import pathlib

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter1d

rng = np.random.default_rng(17)
LPS = np.diag([-1.0, -1, 1, 1])


def rotation(a, b, c):
    def turn(axis, angle):
        i, j = [k for k in range(3) if k != axis]
        m = np.eye(3)
        m[i, i] = m[j, j] = np.cos(angle)
        m[i, j], m[j, i] = -np.sin(angle), np.sin(angle)
        return m

    return turn(0, a) @ turn(1, b) @ turn(2, c)


def image(values, affine):
    """values [z, y, x], affine RAS without shear"""
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    made = sitk.GetImageFromArray(values)
    made.SetSpacing(spacing)
    made.SetDirection((lps[:3, :3] / spacing).ravel())
    made.SetOrigin(lps[:3, 3])
    return made


def flat(a):
    return [float(v) for v in np.asarray(a).ravel()]


def affine(matrix, spacing, origin):
    return nib.affines.from_matvec(matrix @ np.diag(spacing), origin)


# as_closest_canonical, aff2axcodes
orientations = []
grids = {
    "LPS": affine(np.diag([-1, -1, 1]), [0.7, 0.8, 2.5], [30, 20, -10]),
    "PIR": affine(np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]]), [1, 2, 3], [4, 5, 6]),
    "oblique": affine(rotation(0.4, -0.3, 0.5) @ np.diag([1, -1, 1]), [1, 1.5, 4], [-7, 8, 9]),
    "very oblique": affine(rotation(0.7, 0.2, -0.6) @ np.array([[0, 1.0, 0], [0, 0, -1], [-1, 0, 0]]), [2, 1, 3], [0, 0, 1]),
    "RAS": affine(np.eye(3), [1, 1, 2], [0, 0, 0]),
    "sheared": nib.affines.from_matvec(np.array([[-1, 0, 0.3], [0, -1, 0.2], [0, 0, 2.0]]), [1, 2, 3]),
}
for name, a in grids.items():
    values = rng.integers(-1000, 1000, (3, 4, 5)).astype("int16")
    made = nib.Nifti1Image(values, a)
    back = nib.as_closest_canonical(made)
    orientations.append(
        {
            "name": name,
            "shape": [3, 4, 5],
            "affine": flat(a),
            "values": [int(v) for v in values.ravel(order="F")],
            "codes": "".join(nib.aff2axcodes(a)),
            "canonical": {
                "shape": list(back.shape),
                "affine": flat(back.affine),
                "values": [int(v) for v in np.asanyarray(back.dataobj).ravel(order="F")],
            },
        }
    )

# ResampleImageFilter: value outside -7
source_affine = affine(rotation(0.1, -0.2, 0.15) @ np.diag([-1, -1, 1]), [1.1, 0.9, 2], [5, -4, 3])
source = rng.integers(-500, 500, (5, 6, 7)).astype("int16")
img = image(source, source_affine)
centre = (source_affine @ [3, 2.5, 2, 1])[:3]
resampled = []
for name, matrix, spacing, shape in [
    ("upsampled, same axes", rotation(0.1, -0.2, 0.15) @ np.diag([-1, -1, 1]), [0.5, 0.5, 0.7], [10, 9, 8]),
    ("rotated, partly outside", rotation(-0.5, 0.3, 0.9), [0.9, 1.3, 1.1], [7, 6, 5]),
    ("axes exchanged", np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]]), [1, 1, 1], [5, 6, 7]),
    ("two slices", np.diag([-1.0, -1, 1]), [1, 1, 3], [6, 5, 2]),
]:
    target = affine(matrix, spacing, [0, 0, 0])
    target[:3, 3] = centre - target[:3, :3] @ ((np.array(shape) - 1) / 2) + [0.13, -0.07, 0.05]
    reference = image(np.zeros(shape[::-1], "f4"), target)
    entry = {"name": name, "shape": shape, "affine": flat(target)}
    for method, kind in [("linear", sitk.sitkLinear), ("nearest", sitk.sitkNearestNeighbor)]:
        pixel = sitk.sitkFloat64 if method == "linear" else sitk.sitkInt16
        out = sitk.Resample(img, reference, sitk.Transform(), kind, -7.0, pixel)
        entry[method] = [round(float(v), 4) for v in sitk.GetArrayFromImage(out).ravel()]
    resampled.append(entry)

# anti-aliased: Gaussian of the stated sigma (scipy, edges repeated), then linear
smooth = np.round(rng.normal(0, 100, (8, 12, 15)), 1)
smooth_affine = affine(np.diag([-1.0, -1, 1]), [0.5, 0.6, 1.0], [10, 10, -5])
steps = {"spacing": [1.5, 1.2, 2.5]}
factors = np.array(steps["spacing"]) / [0.5, 0.6, 1.0]
filtered = smooth.astype("f8")
for axis, f in zip([2, 1, 0], factors):
    filtered = gaussian_filter1d(filtered, np.sqrt(f * f - 1) / (2 * np.sqrt(2 * np.log(2))), axis=axis, mode="nearest", truncate=4)
shape = [5, 6, 3]
target = affine(np.diag([-1.0, -1, 1]), steps["spacing"], [0, 0, 0])
middle = (smooth_affine @ [14 / 2, 11 / 2, 7 / 2, 1])[:3]
target[:3, 3] = middle - target[:3, :3] @ ((np.array(shape) - 1) / 2)
out = sitk.Resample(image(filtered, smooth_affine), image(np.zeros(shape[::-1], "f4"), target), sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat64)
antialiased = {
    "source": {"shape": [15, 12, 8], "affine": flat(smooth_affine), "values": [round(float(v), 1) for v in smooth.ravel()]},
    "spacing": steps["spacing"],
    "shape": shape,
    "affine": flat(target),
    "values": [round(float(v), 4) for v in sitk.GetArrayFromImage(out).ravel()],
}
path = pathlib.Path(__file__).with_name("geometry.json")
path.write_text(
    json.dumps(
        {
            "orientations": orientations,
            "resampled": {"source": {"shape": [7, 6, 5], "affine": flat(source_affine), "values": [int(v) for v in source.ravel()]}, "targets": resampled},
            "antialiased": antialiased,
        },
        separators=(",", ":"),
    )
    + "\n"
)
print(path.stat().st_size)
