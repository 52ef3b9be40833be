"""Makes dicom.json: what pydicom reads of the real DICOM files beside the project, rescaled per frame, padding replaced as io's README says.

usage: python make_dicom.py ../shared/data/io
(pip install pydicom numpy pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pyjpegls)
"""
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pydicom

root = Path(sys.argv[1])
found = {}
for path in sorted([*root.glob("dicom-syntaxes/*"), *root.glob("dicom-enhanced/*")]):
    try:
        d = pydicom.dcmread(path)
        pixels = d.pixel_array
        array = pixels.astype(np.float64).reshape(-1, *pixels.shape[-2:])
        stored = array.copy()
        groups = d.get("PerFrameFunctionalGroupsSequence")
        for k in range(len(array)):
            t = d
            if groups is not None and "PixelValueTransformationSequence" in groups[k]:
                t = groups[k].PixelValueTransformationSequence[0]
            elif "SharedFunctionalGroupsSequence" in d and "PixelValueTransformationSequence" in d.SharedFunctionalGroupsSequence[0]:
                t = d.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
            array[k] = array[k] * float(t.get("RescaleSlope", 1)) + float(t.get("RescaleIntercept", 0))
        if groups is not None and "PlanePositionSequence" in groups[0]:
            # Ascending along the normal, as volumes are ordered.
            iop = d.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
            normal = np.cross(iop[:3], iop[3:])
            order = np.argsort([np.dot(normal, g.PlanePositionSequence[0].ImagePositionPatient) for g in groups])
            array, stored = array[order], stored[order]
        if "PixelPaddingValue" in d and d.get("Modality") == "CT":
            array[((stored == d.PixelPaddingValue) & (array < -1000)) | (array < -1024)] = -1000
        found[f"{path.parent.name}/{path.name}"] = {
            "shape": list(array.shape[::-1]), "min": array.min(), "max": array.max(), "mean": array.mean(),
            "sha256": hashlib.sha256(array.astype("<f4").tobytes()).hexdigest(),
            "iop": [float(v) for v in d.get("ImageOrientationPatient", [])], "ipp": [float(v) for v in d.get("ImagePositionPatient", [])],
            "spacing": [float(v) for v in d.get("PixelSpacing", [])],
        }
    except Exception as error:
        found[f"{path.parent.name}/{path.name}"] = {"error": type(error).__name__ + ": " + str(error)[:100]}
Path(__file__).with_name("dicom.json").write_text(json.dumps(found, indent=1))
