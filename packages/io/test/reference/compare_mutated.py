"""Compares what the readers gave for mutated files with nibabel, SimpleITK and numpy: where both read, shape, values and affine agree.

Run: mkdir out; FUZZ=10000 FUZZ_KEEP=$PWD/out npx vitest run --project unit packages/io/test/fuzz -t "NIfTI|NRRD|MHA|MGH|NPY"; python compare_mutated.py out
(made with SimpleITK 2.5, nibabel 5.4, numpy 2.4). Prints, for each format, how many agree, how many only the package reads, and every disagreement.
"""
import collections
import json
import pathlib
import sys
import tempfile
import warnings

import nibabel as nib
import numpy as np
import SimpleITK as sitk

warnings.simplefilter("ignore")
nib.imageglobals.logger.setLevel(100)
sitk.ProcessObject.SetGlobalWarningDisplay(False)
LPS = np.diag([-1.0, -1, 1, 1])
# Where the file does not say it, programs assume different things.
OPEN = {"NIFTI_NO_ORIENTATION", "NRRD_NO_ORIENTATION", "META_NO_ORIENTATION", "MGH_NO_ORIENTATION", "NPY_NO_GEOMETRY", "NIFTI_UNITS", "NRRD_UNITS", "META_UNITS"}


def by_sitk(file):
    img = sitk.ReadImage(file)
    values = sitk.GetArrayFromImage(img)
    if img.GetNumberOfComponentsPerPixel() > 1:
        values = values[..., 0]
    size = img.GetDimension()
    a = np.eye(4)
    if size >= 3:
        a[:3, :3] = np.array(img.GetDirection()).reshape(size, size)[:3, :3] * np.array(img.GetSpacing())[:3]
        a[:3, 3] = img.GetOrigin()[:3]
    while values.ndim > 3:
        values = values[0]
    return list(img.GetSize()[:3]), LPS @ a if size >= 3 else None, values.ravel()


def by_nibabel(file):
    img = nib.load(file)
    values = np.asarray(img.dataobj)
    while values.ndim > 3:
        values = values[..., 0]
    return list(values.shape), np.asarray(img.affine), values.ravel(order="F")


def by_numpy(file):
    values = np.load(file)
    while values.ndim > 3:
        values = values[0]
    return list(values.shape[::-1]), None, values.ravel()


READERS = {"NIfTI": (by_nibabel, ".nii"), "NRRD": (by_sitk, ".nrrd"), "MHA": (by_sitk, ".mha"), "MGH": (by_nibabel, ".mgh"), "NPY": (by_numpy, ".npy")}
PACKED = {".nii": ".nii.gz", ".mgh": ".mgz"}
folder = pathlib.Path(tempfile.mkdtemp())

counts = collections.defaultdict(collections.Counter)
for told in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
    ours = json.loads(told.read_text())
    kind = told.name.split("-mutated")[0]
    for read, ending in [READERS[kind]] if kind in READERS else []:
        content = told.with_suffix(".bin").read_bytes()
        file = folder / f"scan{PACKED.get(ending, ending) if content[:2] == bytes([31, 139]) else ending}"
        file.write_bytes(content)
        try:
            shape, affine, values = read(str(file))
        except Exception as error:  # noqa: BLE001
            counts[kind]["only here"] += 1
            counts[kind][f"only here: {type(error).__name__} {str(error).strip().splitlines()[-1][:70] if str(error).strip() else ''}"] += 1
            continue
        with np.errstate(all="ignore"):
            values = np.asarray(values, dtype=np.float64)
            # JSON has no NaN and no infinity.
            own = np.array([np.nan if v is None else v for v in ours["values"]], float)
            rounded = np.float64(np.float32(values))
        values[~np.isfinite(values)] = np.nan
        rounded[~np.isfinite(rounded)] = np.nan
        wrong = []
        if [n for n in shape if n != 1] != [n for n in ours["shape"] if n != 1]:
            wrong.append(f"shape {shape} {ours['shape']}")
        elif not np.array_equal(own, values, equal_nan=True) and not np.array_equal(own, rounded, equal_nan=True):
            wrong.append("values")
        if affine is not None and ours.get("affine") and not OPEN & set(ours["notes"]) and not np.allclose(affine.ravel(), np.array(ours["affine"], float), rtol=1e-4, atol=1e-3):
            wrong.append(f"affine {affine.round(3).tolist()} {ours['affine']}")
        counts[kind]["differs" if wrong else "agrees"] += 1
        if wrong:
            print(told.stem, "; ".join(wrong)[:400], ours["notes"])
for kind, each in counts.items():
    print(kind, dict(each.most_common(12)))
