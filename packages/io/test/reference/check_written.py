"""Reads volumes that writeVolume wrote, with SimpleITK, pynrrd and nibabel, and prints what it found as JSON: per file and program, shape, affine
(mm, RAS+), type and values, x fastest. Used by written.process.test.ts where python has these programs.

Run: python check_written.py FILE...
"""
import json
import sys

import nibabel as nib
import nrrd
import numpy as np
import SimpleITK as sitk

LPS = np.diag([-1.0, -1, 1, 1])


def itk(path):
    img = sitk.ReadImage(path)
    a = np.eye(4)
    a[:3, :3] = np.array(img.GetDirection()).reshape(3, 3) * np.array(img.GetSpacing())
    a[:3, 3] = img.GetOrigin()
    values = sitk.GetArrayFromImage(img)
    return {"shape": list(img.GetSize()), "affine": (LPS @ a).ravel().tolist(), "dtype": values.dtype.name, "values": values.ravel().tolist()}


def by_nrrd(path):
    values, header = nrrd.read(path)
    a = np.eye(4)
    a[:3, :3] = header["space directions"].T
    a[:3, 3] = header["space origin"]
    return {"shape": list(values.shape), "affine": (LPS @ a).ravel().tolist(), "dtype": values.dtype.name, "values": values.ravel(order="F").tolist()}


def by_nibabel(path):
    img = nib.load(path)
    values = np.asanyarray(img.dataobj)
    return {"shape": list(values.shape), "affine": img.affine.ravel().tolist(), "dtype": values.dtype.name, "values": values.ravel(order="F").tolist()}


found = {}
for path in sys.argv[1:]:
    found[path] = {"SimpleITK": itk(path), **({"pynrrd": by_nrrd(path)} if path.endswith(".nrrd") else {"nibabel": by_nibabel(path)})}
print(json.dumps(found))
