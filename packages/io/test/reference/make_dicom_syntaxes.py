"""Makes fixtures/dicom/*.dcm and syntaxes.json: small images in every compressed transfer syntax, encoded by dcmtk and OpenJPEG, and what pydicom decodes.

usage: python make_dicom_syntaxes.py
(apt: dcmtk; pip install pydicom numpy pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pyjpegls. HTJ2K files are made by make_htj2k.mjs first.)
"""
import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

here = Path(__file__).parent
out = here.parent / "fixtures" / "dicom"
out.mkdir(parents=True, exist_ok=True)


def base(pixels, stored, signed):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = CTImageStorage, "1.2.3.4", ExplicitVRLittleEndian
    d = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    d.SOPClassUID, d.SOPInstanceUID, d.SeriesInstanceUID, d.StudyInstanceUID = CTImageStorage, "1.2.3.4", "1.2.3", "1.2"
    d.Modality, d.PatientName, d.PatientID = "OT", "none", "none"
    d.Rows, d.Columns = pixels.shape
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = pixels.dtype.itemsize * 8, stored, stored - 1, int(signed)
    d.PixelData = pixels.tobytes()
    return d


rng = np.random.default_rng(3)
y, x = np.mgrid[:29, :38]
smooth = 900 * np.sin(x / 7) * np.cos(y / 5) + 40 * rng.standard_normal((29, 38))
images = {
    "8": base((smooth / 8 + 128).clip(0, 255).astype("u1"), 8, False),
    "12": base((smooth + 2048).clip(0, 4095).astype("<u2"), 12, False),
    "16s": base((smooth * 20).clip(-32768, 32767).astype("<i2"), 16, True),
}
for name, d in images.items():
    d.save_as(out / f"raw-{name}.dcm", enforce_file_format=True)
JOBS = [
    ("8", "jpeg-baseline", ["dcmcjpeg", "+eb", "+q", "80"]),
    ("12", "jpeg-extended", ["dcmcjpeg", "+ee", "+q", "90"]),
    ("12", "jpeg-lossless-sv1", ["dcmcjpeg", "+e1"]),
    ("16s", "jpeg-lossless-sv1-16s", ["dcmcjpeg", "+e1"]),
    *[("12", f"jpeg-lossless-{n}", ["dcmcjpeg", "+el", "+sv", str(n)]) for n in range(2, 8)],
    ("12", "jpeg-ls", ["dcmcjpls", "+el"]),
    ("12", "jpeg-ls-near", ["dcmcjpls", "+en", "+md", "3"]),
    ("16s", "rle-16s", ["dcmcrle"]),
]
for source, name, command in JOBS:
    subprocess.run([*command, str(out / f"raw-{source}.dcm"), str(out / f"{name}.dcm")], check=True)
# OpenJPEG's encoder wants more than a few pixels.
tiled = np.tile(smooth, (3, 2))
for d, name in ((base((tiled + 2048).clip(0, 4095).astype("<u2"), 12, False), "jpeg-2000"), (base((tiled * 20).clip(-32768, 32767).astype("<i2"), 16, True), "jpeg-2000-16s")):
    d.compress(pydicom.uid.JPEG2000Lossless, generate_instance_uid=False)
    d.save_as(out / f"{name}.dcm", enforce_file_format=True)
found = {}
for path in sorted(out.glob("*.dcm")):
    d = pydicom.dcmread(path)
    syntax = d.file_meta.TransferSyntaxUID.name
    if path.name == "jpeg-extended.dcm":
        # By the IJG's library (dcmtk), whose inverse DCT is the common one: pylibjpeg's differs by 1 here and there.
        subprocess.run(["dcmdjpeg", str(path), "/tmp/extended.dcm"], check=True)
        d = pydicom.dcmread("/tmp/extended.dcm")
    pixels = d.pixel_array * float(d.get("RescaleSlope", 1)) + float(d.get("RescaleIntercept", 0))
    found[path.name] = {"syntax": syntax, "sha256": hashlib.sha256(pixels.astype("<f4").tobytes()).hexdigest(),
                        "min": int(pixels.min()), "max": int(pixels.max())}
(here / "syntaxes.json").write_text(json.dumps(found, indent=1))
