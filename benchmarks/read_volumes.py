"""Python's side of read.mjs: makes the volumes, then reads them with nibabel, SimpleITK and pydicom.

usage: read_volumes.py FOLDER SLICES      (pip install nibabel SimpleITK pydicom numpy; JPEG Lossless files need dcmtk's dcmcjpeg)
Makes FOLDER/ct.nii.gz, ct.nrrd, ct.mha, dicom/, dicom-jpeg-lossless/, prints "made", then answers each line "PROGRAM PATH" with seconds.
"""
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

folder, count = Path(sys.argv[1]), int(sys.argv[2])


def volume():
    """HU: a body of noise in air, [slices, rows, columns]; neither flat, which is too easy to inflate, nor pure noise."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[-256:256, -256:256]
    body = np.where(x * x + y * y < 40000, 40, -1000)
    return (body + random.integers(0, 32, (count, 512, 512))).astype(np.int16)


def write_dicom(voxels):
    out = folder / "dicom"
    out.mkdir()
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    for k, slice_ in enumerate(voxels):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        d.SeriesInstanceUID, d.StudyInstanceUID, d.FrameOfReferenceUID = series, study, frame
        d.Modality, d.PatientName, d.PatientID, d.InstanceNumber = "CT", "none", "none", k + 1
        d.Rows = d.Columns = 512
        d.PixelSpacing, d.SliceThickness = [0.7, 0.7], 1.25
        d.ImagePositionPatient, d.ImageOrientationPatient = [-179.0, -179.0, 1.25 * k], [1, 0, 0, 0, 1, 0]
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
        d.RescaleSlope, d.RescaleIntercept = 1, -1024
        d.PixelData = (slice_ + 1024).astype("<i2").tobytes()
        d.save_as(out / f"{k:04}.dcm", enforce_file_format=True)
    if shutil.which("dcmcjpeg"):
        packed = folder / "dicom-jpeg-lossless"
        packed.mkdir()
        for path in sorted(out.iterdir()):
            subprocess.run(["dcmcjpeg", "+e1", str(path), str(packed / path.name)], check=True)


def make():
    voxels = volume()
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((0.7, 0.7, 1.25))
    for name in ("ct.nii.gz", "ct.nrrd", "ct.mha"):
        sitk.WriteImage(image, str(folder / name), useCompression=True)
    write_dicom(voxels)


def sitk_series(path):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(path))
    return sitk.GetArrayViewFromImage(reader.Execute())


def pydicom_series(path):
    """What users write: read all, sort by position, rescale, stack."""
    files = sorted((pydicom.dcmread(p) for p in Path(path).iterdir()), key=lambda d: d.ImagePositionPatient[2])
    return np.stack([d.pixel_array * np.float32(d.RescaleSlope) + np.float32(d.RescaleIntercept) for d in files])


READERS = {
    "nibabel": lambda path: np.asanyarray(nibabel.load(path).dataobj),
    "SimpleITK": lambda path: sitk_series(path) if Path(path).is_dir() else sitk.GetArrayViewFromImage(sitk.ReadImage(path)),
    "pydicom": pydicom_series,
}

make()
print("0", flush=True)
for line in sys.stdin:
    program, path = line.rstrip("\n").split(" ", 1)
    start = time.perf_counter()
    array = READERS[program](path)
    seconds = time.perf_counter() - start
    assert array.size == count * 512 * 512
    print(seconds, flush=True)
