"""Compares what was read of mutated DICOM files with what pydicom reads of them: the same voxels, or some of the frames where one volume of several was chosen.

FUZZ=10000 FUZZ_KEEP=/tmp/kept npx vitest run --project unit packages/io/test/fuzz.test.ts -t DICOM
python check_fuzzed.py /tmp/kept   (pydicom 3.0.2, numpy, pylibjpeg, python-gdcm)

Left out, and counted: what pydicom does not read; files with padding, which is replaced; mosaics, which pydicom leaves as they
are; stored bits that do not lie lowest.
"""

import collections
import io
import json
import pathlib
import sys
import warnings

import numpy as np
import pydicom

warnings.simplefilter("ignore")
seen = collections.Counter()
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
    ours = json.loads(path.read_text())
    try:
        ds = pydicom.dcmread(io.BytesIO(path.with_suffix(".bin").read_bytes()), force=True)
        frames = ds.pixel_array
        if "FloatPixelData" not in ds and ds.BitsStored < ds.BitsAllocated and int(ds.BitsAllocated) > 8:
            # pydicom leaves what lies beside the stored bits of native pixels.
            frames = frames.astype(np.int64) & ((1 << int(ds.BitsStored)) - 1)
            if ds.PixelRepresentation:
                frames = np.where(frames >= 1 << (int(ds.BitsStored) - 1), frames - (1 << int(ds.BitsStored)), frames)
        frames = frames.astype(float).reshape(-1, int(ds.Rows) * int(ds.Columns))
        groups = ds.get("PerFrameFunctionalGroupsSequence")
        for k in range(len(frames)):
            scale = ds
            if groups and "PixelValueTransformationSequence" in groups[k]:
                scale = groups[k].PixelValueTransformationSequence[0]
            elif "SharedFunctionalGroupsSequence" in ds and "PixelValueTransformationSequence" in ds.SharedFunctionalGroupsSequence[0]:
                scale = ds.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
            frames[k] = frames[k] * float(scale.get("RescaleSlope", 1)) + float(scale.get("RescaleIntercept", 0))
            if ds.get("SegmentationType") == "FRACTIONAL":
                frames[k] = frames[k] / float(ds.get("MaximumFractionalValue", 255))
    except Exception:
        seen["not read by pydicom"] += 1
        continue
    if ds.get("HighBit", 0) + 1 != ds.get("BitsStored", 0):
        seen["bits that lie higher, which pydicom does not shift"] += 1
    elif "PixelPaddingValue" in ds:
        seen["padding"] += 1
    elif "mosaic" in path.name and frames.shape[1] != ours["shape"][0] * ours["shape"][1]:
        seen["mosaic"] += 1
    else:
        own = np.array([np.nan if v is None else v for v in ours["values"]]).reshape(ours["shape"][2], -1)
        there = [np.float32(frame) for frame in frames] + [np.zeros(own.shape[1], np.float32)]
        right = all(any(np.allclose(slice, frame, rtol=1e-6, equal_nan=True) for frame in there if frame.size == slice.size) for slice in own)
        seen["equal" if right else "DIFFERENT"] += 1
        if not right:
            print("different:", path.name)
print(dict(seen))
sys.exit(1 if seen["DIFFERENT"] else 0)
