"""Writes dicom-odd.json: DICOM files in which a frame is not one slice in depth, or is left out, with what other programs make of them.

Mosaics: nibabel.nicom. Segmentations: the mask that highdicom was given. Nuclear medicine: SimpleITK (GDCM). Contradicted transfer syntaxes: pydicom.
Usage: python make_dicom_odd.py   (pydicom 3.0.2, nibabel 5.4.2, highdicom 0.28.2, SimpleITK 2.5.7, numpy)
"""

import base64
import io
import json
import pathlib
import struct
import tempfile
import warnings

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
cases = {}


def dataset(sop_class, modality, pixels, **more):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = "1.2.3.9"
    meta.TransferSyntaxUID = more.pop("syntax", ExplicitVRLittleEndian)
    ds = FileDataset("x", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, "1.2.3.9"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "1.2", "1.2.3", "1.2.4"
    ds.Modality, ds.PatientName, ds.PatientID = modality, "", ""
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    for key, value in more.items():
        setattr(ds, key, value)
    ds.PixelData = pixels.astype("<u2").tobytes()
    return ds


def written(ds, syntax=ExplicitVRLittleEndian):
    out = io.BytesIO()
    ds.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


def halves(data):
    """File meta information with what is before it, and the data set."""
    end = 132 + 12 + struct.unpack("<I", data[140:144])[0]
    return data[:end], data[end:]


def case(name, data, volume=None, affine=None, options=None, notes=(), says=None):
    """volume: x, y, z; says: what a refusal says."""
    cases[name] = {
        "file": base64.b64encode(data).decode(),
        "options": options or {},
        **({"shape": list(volume.shape), "values": [round(float(v), 9) for v in volume.flatten(order="F")]} if volume is not None else {}),
        **({"affine": [round(float(v), 6) for v in np.asarray(affine).flatten()]} if affine is not None else {}),
        "notes": list(notes),
        **({"says": says} if says else {}),
    }


def csa(**fields):
    """A CSA header, second layout."""
    out = b"SV10\4\3\2\1" + struct.pack("<2I", len(fields), 77)
    for name, values in fields.items():
        values = [str(v).encode() + b"\0" for v in np.atleast_1d(values)]
        vr = {"SliceNormalVector": b"FD", "AcquisitionMatrixText": b"SH"}.get(name, b"US")
        out += struct.pack("<64si4s3i", name.encode(), len(values), vr + b"\0\0", 4, len(values), 77)
        for value in values:
            out += struct.pack("<4i", len(value), len(value), 77, len(value)) + value + b"\0" * (-len(value) % 4)
    return out


def mosaic(count, side, sign, row, column, **csa_more):
    from nibabel.nicom.dicomwrappers import wrapper_from_data

    across = int(np.ceil(np.sqrt(count)))
    pixels = np.zeros((across * side, across * side), int)
    for k in range(count):
        y, x = divmod(k, across)
        pixels[y * side : (y + 1) * side, x * side : (x + 1) * side] = 100 * (k + 1) + np.arange(side * side).reshape(side, side)
    ds = dataset("1.2.840.10008.5.1.4.1.1.4", "MR", pixels, ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"])
    ds.ImageOrientationPatient, ds.ImagePositionPatient = [*row, *column], [-40.5, -30.25, 12.5]
    ds.PixelSpacing, ds.SliceThickness, ds.SpacingBetweenSlices = [1.5, 1.25], 2.5, 3.0
    normal = sign * np.cross(row, column)
    block = ds.private_block(0x29, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", csa(AcquisitionMatrixText=f"{side}p*{side}", NumberOfImagesInMosaic=count, SliceNormalVector=normal, ProtocolSliceNumber=0, **csa_more))
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    wrapper = wrapper_from_data(ds)
    assert wrapper.is_mosaic
    # nibabel's first axis is the row, and its positions are DICOM's.
    affine = FLIP @ wrapper.affine[:, [1, 0, 2, 3]]
    volume = np.transpose(np.asarray(wrapper.get_data()), (1, 0, 2))
    if sign < 0:
        # The same voxels at the same places, the slices in the order in which all DICOM is read here.
        volume = volume[..., ::-1]
        affine[:, 3] += (count - 1) * affine[:, 2]
        affine[:, 2] *= -1
    return ds, volume, affine


def mosaics():
    tilted = ([1, 0, 0], [0, np.cos(0.3), -np.sin(0.3)])
    for name, count, sign, axes in (("2×2 tiles", 4, 1, ([1, 0, 0], [0, 1, 0])), ("7 of 3×3 tiles, downward and oblique", 7, -1, tilted)):
        ds, volume, affine = mosaic(count, 4, sign, *axes)
        case(f"mosaic, {name}", written(ds), volume, affine)
        case(f"mosaic, {name}, implicit", written(ds, ImplicitVRLittleEndian), volume, affine)
    ds, _, _ = mosaic(4, 4, 1, *tilted)
    del ds[0x0029, 0x1010]
    case("mosaic without CSA header", written(ds), says="NumberOfImagesInMosaic")
    ds, _, _ = mosaic(5, 4, 1, *tilted)
    ds.Rows, ds.Columns = 9, 16
    case("mosaic that does not divide", written(ds), says="16×9 pixels are no 3×3 tiles")
    ds, _, _ = mosaic(4, 4, 1, *tilted, NonPlanarImage=1)
    case("mosaic of slices that are not parallel", written(ds), says="NonPlanarImage")
    ds, _, _ = mosaic(4, 4, 1, *tilted)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    _, volume, affine = mosaic(4, 4, 1, *tilted)
    case("mosaic that only its CSA header names", written(ds), volume, affine)


def sources():
    out = []
    for k in range(8):
        ds = dataset("1.2.840.10008.5.1.4.1.1.2", "CT", np.zeros((4, 6)), ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
        ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-3.5, 4.5, 10 + 2.0 * k]
        ds.PixelSpacing, ds.SliceThickness, ds.SOPInstanceUID = [0.75, 0.5], 2.0, f"1.2.3.{k + 1}"
        ds.PatientBirthDate = ds.PatientSex = ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.StudyID = ds.ReferringPhysicianName = ""
        ds.InstanceNumber = k + 1
        out.append(ds)
    return out


def segmentations():
    import highdicom as hd
    from pydicom.sr.codedict import codes

    def described(number, label):
        return hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=label,
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Liver,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )

    mask = np.zeros((8, 4, 6, 2), np.uint8)
    for k in (0, 1, 2, 6, 7):
        mask[k, k % 4, 1:4, 0] = 1
    for k in (2, 5):
        mask[k, 3, k - 2 : k, 1] = 1
    affine = np.array([[-0.5, 0, 0, 3.5], [0, -0.75, 0, -4.5], [0, 0, 2, 10], [0, 0, 0, 1]])

    def seg(kind, pixels, described_segments):
        return hd.seg.Segmentation(
            source_images=sources(),
            pixel_array=pixels,
            segmentation_type=kind,
            segment_descriptions=described_segments,
            series_instance_uid="1.2.3.77",
            series_number=7,
            sop_instance_uid="1.2.3.78",
            instance_number=1,
            manufacturer="m",
            manufacturer_model_name="m",
            software_versions="1",
            device_serial_number="1",
            omit_empty_frames=True,
            **({"max_fractional_value": 200} if kind == "FRACTIONAL" else {}),
        )

    whole = lambda array: np.transpose(array, (2, 1, 0))
    one = seg("BINARY", mask[..., :1], [described(1, "Liver")])
    case("SEG, frames 3 to 5 empty", written(one), whole(mask[..., 0]), affine, notes=["FRAMES_EMPTY"])
    two = seg("BINARY", mask, [described(1, "Liver"), described(2, "Spleen")])
    case("SEG of two segments", written(two), says="0: Liver\\s+1: Spleen")
    case("SEG of two segments, the first", written(two), whole(mask[..., 0]), affine, {"frame": 0}, ["FRAMES_EMPTY"])
    case("SEG of two segments, the second", written(two), whole(mask[..., 1]), affine, {"frame": 1}, ["FRAMES_EMPTY"])
    shares = np.round(mask[..., :1] * np.linspace(0.1, 1, 8).reshape(8, 1, 1, 1) * 200) / 200
    case("SEG of shares", written(seg("FRACTIONAL", shares[..., 0], [described(1, "Liver")])), whole(shares[..., 0]), affine, notes=["FRAMES_EMPTY"])
    labels = mask[..., 0] + 2 * mask[..., 1]
    numbered = seg("LABELMAP", labels, [described(1, "Liver"), described(2, "Spleen"), described(3, "Both")])
    case("SEG as a label map", written(numbered), whole(labels), affine, notes=["FRAMES_EMPTY"])


def nuclear():
    import SimpleITK as sitk

    volume = np.arange(3 * 4 * 6).reshape(3, 4, 6)
    for name, spacing in (("", 2.5), (", slices toward the front of the stack", -2.5)):
        ds = dataset("1.2.840.10008.5.1.4.1.1.20", "NM", volume, ImageType=["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"])
        ds.NumberOfFrames, ds.FrameIncrementPointer, ds.SliceVector = 3, 0x00540080, [1, 2, 3]
        ds.PixelSpacing, ds.SliceThickness, ds.SpacingBetweenSlices = [1.5, 1.25], 2.5, spacing
        detector = Dataset()
        detector.ImagePositionPatient, detector.ImageOrientationPatient = [-10, -20, 30], [1, 0, 0, 0, 1, 0]
        ds.DetectorInformationSequence = Sequence([detector])
        data = written(ds)
        if spacing > 0:
            with tempfile.NamedTemporaryFile(suffix=".dcm") as file:
                file.write(data)
                file.flush()
                image = sitk.ReadImage(file.name)
            affine = np.eye(4)
            affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
            affine[:3, 3] = image.GetOrigin()
            print("SimpleITK, NM:", affine.tolist())
            case(f"NM{name}", data, np.transpose(volume, (2, 1, 0)), FLIP @ affine)
        else:
            # PS3.3 C.8.4.15: a negative spacing stacks in front of the first. By hand: z = 30, 27.5, 25; in order from below.
            affine = [[-1.25, 0, 0, 10], [0, -1.5, 0, 20], [0, 0, 2.5, 25], [0, 0, 0, 1]]
            case(f"NM{name}", data, np.transpose(volume[::-1], (2, 1, 0)), affine)


def syntaxes():
    pixels = np.arange(16).reshape(4, 4)
    ds = dataset("1.2.840.10008.5.1.4.1.1.2", "CT", pixels, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 0]
    ds.PixelSpacing, ds.SliceThickness = [1, 1], 1
    (explicit_head, explicit), (implicit_head, implicit) = halves(written(ds)), halves(written(ds, ImplicitVRLittleEndian))
    for name, data in (
        ("explicit data under an implicit header", implicit_head + explicit),
        ("implicit data under an explicit header", explicit_head + implicit),
    ):
        read = pydicom.dcmread(io.BytesIO(data))
        case(name, data, np.transpose(read.pixel_array[None], (2, 1, 0)), np.diag([-1, -1, 1, 1]), notes=["SYNTAX_CONTRADICTED"])


mosaics()
segmentations()
nuclear()
syntaxes()
(HERE / "dicom-odd.json").write_text(json.dumps(cases) + "\n")
print({name: len(each["file"]) for name, each in cases.items()})
