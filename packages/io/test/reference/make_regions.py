"""Writes regions.json: DICOM files that mark regions, as other programs write them, with where these programs say that the regions lie.

Segmentations and reports: highdicom; a structure set from masks: rt-utils; others: pydicom; a segmentation: dcmqi (itkimage2segimage); a layered
segmentation: pynrrd by 3D Slicer's documentation. Expected bounds, RAS mm, come from the masks and points that the programs were given, by numpy and
the source images' own geometry.
Usage: python make_regions.py   (highdicom 0.28.2, pydicom 3.0.2, rt-utils 1.2.7, dcmqi 1.5.7, pynrrd 1.1.3, SimpleITK 2.5.7, numpy)
"""

import base64
import io
import json
import pathlib
import subprocess
import tempfile
import warnings

import highdicom as hd
import nrrd
import numpy as np
import pydicom
import SimpleITK as sitk
from highdicom.sr.coding import CodedConcept
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from rt_utils import RTStructBuilder

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent
STUDY, SERIES, FRAME = "1.2.826.0.1.1", "1.2.826.0.1.1.1", "1.2.826.0.1.9"
# columns, rows, slices; the scan lies obliquely in the patient: turned by 20 degrees about the left-right axis.
SHAPE = (24, 20, 12)
SPACING = (1.5, 1.25, 3.0)
TURN = np.deg2rad(20)
cases = {}


def scan(turn=TURN, count=SHAPE[2]):
    row = np.array([1.0, 0, 0])
    column = np.array([0, np.cos(turn), np.sin(turn)])
    normal = np.cross(row, column)
    out = []
    for k in range(count):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        meta.MediaStorageSOPInstanceUID = f"{SERIES}.{k + 1}"
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds = FileDataset("x", {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = STUDY, SERIES, FRAME
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Test^Region", "R1", "", ""
        ds.StudyID, ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.ReferringPhysicianName = "1", "20200101", "000000", "", ""
        ds.SeriesNumber, ds.InstanceNumber, ds.Modality = 1, k + 1, "CT"
        ds.PositionReferenceIndicator, ds.Manufacturer = "", "none"
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.ImagePositionPatient = [round(float(v), 6) for v in np.array([-15.0, 30.0, -40.0]) + k * SPACING[2] * normal]
        ds.ImageOrientationPatient = [round(float(v), 9) for v in (*row, *column)]
        ds.PixelSpacing, ds.SliceThickness = [SPACING[1], SPACING[0]], SPACING[2]
        ds.Rows, ds.Columns = SHAPE[1], SHAPE[0]
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleSlope, ds.RescaleIntercept = 1, 0
        ds.PixelData = np.full((SHAPE[1], SHAPE[0]), k, "<i2").tobytes()
        out.append(ds)
    return out


def affine(datasets):
    """Voxel (column, row, slice) to RAS mm."""
    first, last = datasets[0], datasets[-1]
    orientation = np.array(first.ImageOrientationPatient, float)
    step = (np.array(last.ImagePositionPatient, float) - np.array(first.ImagePositionPatient, float)) / (len(datasets) - 1)
    m = np.eye(4)
    m[:3, 0] = orientation[:3] * float(first.PixelSpacing[1])
    m[:3, 1] = orientation[3:] * float(first.PixelSpacing[0])
    m[:3, 2] = step
    m[:3, 3] = first.ImagePositionPatient
    return np.diag([-1.0, -1, 1, 1]) @ m


def ball(centre, radius):
    """Voxels (z, y, x) whose centres lie in a ball in voxel coordinates (x, y, z), scaled by spacing."""
    z, y, x = np.indices(SHAPE[::-1])
    d = [(a - c) * s for a, c, s in zip((x, y, z), centre, SPACING)]
    return sum(v * v for v in d) <= radius * radius


def bounds(mask, m):
    """Of the outer faces of voxels, RAS mm."""
    zyx = np.argwhere(mask)
    low, high = zyx.min(0)[::-1] - 0.5, zyx.max(0)[::-1] + 0.5
    corners = np.array([[(low, high)[(b >> a) & 1][a] for a in range(3)] + [1] for b in range(8)])
    mm = (m @ corners.T).T[:, :3]
    return [mm.min(0).tolist(), mm.max(0).tolist()]


def marked(mask, m):
    return {"box": bounds(mask, m), "count": int(mask.sum()), "middle": (m @ [*np.argwhere(mask).mean(0)[::-1], 1])[:3].tolist()}


def data_of(ds, syntax=None):
    out = io.BytesIO()
    if syntax:
        ds.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


def case(name, data, regions, **more):
    cases[name] = {"file": base64.b64encode(data).decode(), "regions": regions, **more}


source = scan()
M = affine(source)
# Two balls that overlap, and a plate of one slice.
BALLS = [ball((8, 9, 5), 5.0), ball((10, 10, 6), 4.0), ball((18, 4, 2), 1.9)]


def described(number, label):
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Neoplasm,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )


def segmentation(array, kind, labels=("Lesion", "Rim", "Satellite"), **more):
    return hd.seg.Segmentation(
        source_images=source,
        pixel_array=array,
        segmentation_type=kind,
        segment_descriptions=[described(i + 1, label) for i, label in enumerate(labels)],
        series_instance_uid="1.2.826.0.1.1.2",
        series_number=2,
        sop_instance_uid="1.2.826.0.1.1.2.1",
        instance_number=1,
        manufacturer="none",
        manufacturer_model_name="none",
        software_versions="1",
        device_serial_number="1",
        **more,
    )


overlapping = np.stack(BALLS, axis=-1)
expected = [{"name": label, "number": i + 1, **marked(mask, M)} for i, (label, mask) in enumerate(zip(("Lesion", "Rim", "Satellite"), BALLS))]
binary = segmentation(overlapping.astype(np.uint8), hd.seg.SegmentationTypeValues.BINARY)
case("highdicom binary, segments that overlap", data_of(binary), expected, kind="seg")
shares = np.where(overlapping, 0.75, 0.25) * overlapping.any(axis=(0, 1, 2))
case(
    "highdicom fractional",
    data_of(segmentation(shares, hd.seg.SegmentationTypeValues.FRACTIONAL, max_fractional_value=100)),
    expected,
    kind="seg",
)
numbers = np.zeros(SHAPE[::-1], np.uint8)
for i, mask in enumerate(BALLS):
    numbers[mask & (numbers == 0)] = i + 1
apart = [{"name": label, "number": i + 1, **marked(numbers == i + 1, M)} for i, label in enumerate(("Lesion", "Rim", "Satellite"))]
case("highdicom label map", data_of(segmentation(numbers, hd.seg.SegmentationTypeValues.LABELMAP)), apart, kind="seg")
empty = overlapping.copy()
empty[..., 1] = False
case(
    "highdicom binary, an empty segment",
    data_of(segmentation(empty.astype(np.uint8), hd.seg.SegmentationTypeValues.BINARY)),
    [expected[0], {"name": "Rim", "number": 2, "error": "is empty"}, expected[2]],
    kind="seg",
)

with tempfile.TemporaryDirectory() as folder:
    # dcmqi: its own program writes the segmentation of a scan and a label map.
    path = pathlib.Path(folder)
    (path / "ct").mkdir()
    for k, ds in enumerate(source):
        ds.save_as(path / "ct" / f"{k:02}.dcm", enforce_file_format=True)
    image = sitk.GetImageFromArray(numbers)
    image.SetSpacing(SPACING)
    image.SetOrigin([float(v) for v in source[0].ImagePositionPatient])
    orientation = np.array(source[0].ImageOrientationPatient, float)
    image.SetDirection(np.stack([orientation[:3], orientation[3:], np.cross(orientation[:3], orientation[3:])], axis=1).ravel().tolist())
    sitk.WriteImage(image, str(path / "labels.nrrd"))
    code = lambda value, meaning: {"CodeValue": value, "CodingSchemeDesignator": "SCT", "CodeMeaning": meaning}
    described_json = {
        "ContentCreatorName": "Reader1",
        "ClinicalTrialSeriesID": "1",
        "ClinicalTrialTimePointID": "1",
        "SeriesDescription": "Segmentation",
        "SeriesNumber": "300",
        "InstanceNumber": "1",
        "segmentAttributes": [
            [
                {
                    "labelID": i + 1,
                    "SegmentDescription": label,
                    "SegmentLabel": label,
                    "SegmentAlgorithmType": "MANUAL",
                    "SegmentedPropertyCategoryCodeSequence": code("49755003", "Morphologically Abnormal Structure"),
                    "SegmentedPropertyTypeCodeSequence": code("108369006", "Neoplasm"),
                }
                for i, label in enumerate(("Lesion", "Rim", "Satellite"))
            ]
        ],
        "ContentLabel": "SEGMENTATION",
        "ContentDescription": "none",
    }
    (path / "meta.json").write_text(json.dumps(described_json))
    subprocess.run(
        ["itkimage2segimage", "--inputImageList", str(path / "labels.nrrd"), "--inputDICOMDirectory", str(path / "ct"), "--outputDICOM", str(path / "out.dcm"), "--inputMetadata", str(path / "meta.json"), "--skip"],
        check=True,
    )
    case("dcmqi", (path / "out.dcm").read_bytes(), apart, kind="seg")

    # rt-utils draws contours around masks of an axial scan with OpenCV: through the centres of the outermost pixels.
    (path / "axial").mkdir()
    # It takes the distances of rows and columns for each other, so that pixels must be square.
    axial = scan(0.0)
    for k, ds in enumerate(axial):
        ds.PixelSpacing = [SPACING[0], SPACING[0]]
        ds.save_as(path / "axial" / f"{k:02}.dcm", enforce_file_format=True)
    structures = RTStructBuilder.create_new(dicom_series_path=str(path / "axial"))
    for label, mask in zip(("Lesion", "Satellite"), (BALLS[0], BALLS[2])):
        structures.add_roi(mask=np.moveaxis(mask, 0, -1), color=[255, 0, 0], name=label)
    structures.save(str(path / "rt.dcm"))
    A = affine(axial)
    case(
        "rt-utils",
        (path / "rt.dcm").read_bytes(),
        [{"name": label, "number": i + 1, **marked(mask, A)} for i, (label, mask) in enumerate(zip(("Lesion", "Satellite"), (BALLS[0], BALLS[2])))],
        kind="rtstruct",
        grid={"shape": SHAPE, "affine": A.ravel().tolist()},
    )

    # 3D Slicer's segmentation in two layers, by its documentation of .seg.nrrd.
    layers = np.zeros((2, *SHAPE[::-1]), np.uint8)
    layers[0][BALLS[0]], layers[1][BALLS[1]], layers[0][BALLS[2]] = 1, 1, 2
    lps = np.diag([-1.0, -1, 1, 1]) @ M
    header = {
        "space": "left-posterior-superior",
        "kinds": ["list", "domain", "domain", "domain"],
        "space directions": np.array([[np.nan] * 3, *lps[:3, :3].T.tolist()]),
        "space origin": lps[:3, 3],
    }
    for i, (label, value, layer) in enumerate((("Lesion", 1, 0), ("Rim", 1, 1), ("Satellite", 2, 0))):
        header |= {f"Segment{i}_Name": label, f"Segment{i}_ID": f"S{i}", f"Segment{i}_LabelValue": str(value), f"Segment{i}_Layer": str(layer)}
    nrrd.write(str(path / "two.seg.nrrd"), layers.transpose(0, 3, 2, 1), header)
    case(
        "seg.nrrd in two layers",
        (path / "two.seg.nrrd").read_bytes(),
        [{**expected[0], "number": 1}, {**expected[2], "number": 2}, {**expected[1], "number": 1}],
        kind="labels",
    )


def structure_set(rois, syntax=ExplicitVRLittleEndian, **more):
    """rois: (name, [(type, points in RAS mm)])."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.1.3.1"
    meta.TransferSyntaxUID = syntax
    ds = FileDataset("x", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, "RTSTRUCT"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.PatientName, ds.PatientID = STUDY, "1.2.826.0.1.1.3", "Test^Region", "R1"
    ds.StructureSetLabel = "x"
    ds.StructureSetROISequence = Sequence()
    ds.ROIContourSequence = Sequence()
    for key, value in more.items():
        setattr(ds, key, value)
    for i, (name, contours) in enumerate(rois):
        roi = Dataset()
        roi.ROINumber, roi.ReferencedFrameOfReferenceUID, roi.ROIName, roi.ROIGenerationAlgorithm = i + 1, FRAME, name, ""
        ds.StructureSetROISequence.append(roi)
        drawn = Dataset()
        drawn.ReferencedROINumber = i + 1
        drawn.ContourSequence = Sequence()
        for kind, points in contours:
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
            contour.ContourData = [f"{v:.3f}" for p in points for v in (-p[0], -p[1], p[2])]
            drawn.ContourSequence.append(contour)
        ds.ROIContourSequence.append(drawn)
    return ds


def on_slices(outline, slices):
    """An outline in voxel coordinates (x, y), on slices of the oblique scan."""
    return [("CLOSED_PLANAR", [(M @ [x, y, k, 1])[:3] for x, y in outline]) for k in slices]


# Around the centres of columns 5 to 11, rows 4 to 9; a hole around 7 to 9, 6 to 7; slices 3 to 6.
outer, hole = [(4.6, 3.6), (11.4, 3.6), (11.4, 9.4), (4.6, 9.4)], [(6.6, 5.6), (9.4, 5.6), (9.4, 7.4), (6.6, 7.4)]
filled = np.zeros(SHAPE[::-1], bool)
filled[3:7, 4:10, 5:12] = True
holed = filled.copy()
holed[3:7, 6:8, 7:10] = False
keyhole = [(4.6, 3.6), (11.4, 3.6), (11.4, 9.4), (4.6, 9.4), (4.6, 6.0), (6.6, 6.0), (6.6, 7.4), (9.4, 7.4), (9.4, 5.6), (6.6, 5.6), (6.6, 6.0), (4.6, 6.0)]
gap = filled.copy()
gap[5] = False
single = np.zeros(SHAPE[::-1], bool)
single[8, 4:10, 5:12] = True
crossing = [(4.6, 3.6), (11.4, 9.4), (11.4, 3.6), (4.6, 9.4)]
beside = [(x + 3, y + 2) for x, y in outer]
mm = lambda x, y, k: (M @ [x, y, k, 1])[:3].tolist()
rois = [
    ("Box", on_slices(outer, range(3, 7)), marked(filled, M)),
    ("Hole", [c for k in range(3, 7) for c in on_slices(outer, [k]) + on_slices(hole, [k])], marked(holed, M)),
    ("Keyhole", on_slices(keyhole, range(3, 7)), marked(holed, M)),
    ("Gap", on_slices(outer, (3, 4, 6)), marked(gap, M)),
    ("Single", on_slices(outer, (8,)), marked(single, M)),
    ("Twice", on_slices(outer, (3, 3, 4, 5, 6)), marked(filled, M)),
    ("Ends where it begins", on_slices([*outer, outer[0]], range(3, 7)), marked(filled, M)),
    ("Marker", [("POINT", [mm(6, 7, 2)])], {"point": mm(6, 7, 2)}),
    ("Open", [("OPEN_PLANAR", [mm(*p, 3) for p in outer])], {"error": "not closed \\(OPEN_PLANAR\\)"}),
    ("Crossing", on_slices(crossing, (3,)), {"error": "crosses itself"}),
    ("Two that cross", on_slices(outer, (3,)) + on_slices(beside, (3,)), {"error": "crosses itself or another"}),
    ("Bent", [("CLOSED_PLANAR", [mm(*p, 3 + i) for i, p in enumerate(outer)])], {"error": "does not lie in a plane"}),
    ("And a dot", on_slices(outer, range(3, 7)) + on_slices(outer[:1], (7,)) + [("OPEN_PLANAR", [mm(*p, 8) for p in outer])], marked(filled, M)),
    ("Two points", on_slices(outer[:2], (3,)), {"error": "encloses nothing"}),
    ("Nothing", [], {"error": "no contour"}),
]
expected_rois = [{"name": name, "number": i + 1, **where} for i, (name, _, where) in enumerate(rois)]
for syntax, name in ((ExplicitVRLittleEndian, "explicit"), (ImplicitVRLittleEndian, "implicit")):
    case(
        f"pydicom structures, {name}",
        data_of(structure_set([(n, c) for n, c, _ in rois], syntax)),
        expected_rois,
        kind="rtstruct",
        grid={"shape": SHAPE, "affine": M.ravel().tolist()},
    )

# Reports: measurement groups of TID 1410, 1411 and 1501 with coordinates in space.
lps = lambda p: [-p[0], -p[1], p[2]]


def tracked(name):
    return hd.sr.TrackingIdentifier(uid=hd.UID(), identifier=name)


def region3d(kind, points):
    return hd.sr.ImageRegion3D(graphic_type=kind, graphic_data=np.array([lps(p) for p in points], float), frame_of_reference_uid=FRAME)


kinds = hd.sr.GraphicTypeValues3D
# An ellipse on slice 4 about voxel (8, 9), half axes 6 and 3.75 mm along columns and rows; its bounds from the two axes.
centre = np.array(mm(8, 9, 4))
along = [np.array(M[:3, a]) / np.linalg.norm(M[:3, a]) for a in range(3)]
a, b = 6.0 * along[0], 3.75 * along[1]
ellipse = [centre - a, centre + a, centre - b, centre + b]
reach = np.sqrt(a**2 + b**2)
square = [mm(*p, 5) for p in [*outer, outer[0]]]
groups = [
    hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(tracking_identifier=tracked("Nodule"), referenced_region=region3d(kinds.POLYGON, square), finding_type=codes.SCT.Neoplasm),
    hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(tracking_identifier=tracked("Round"), referenced_region=region3d(kinds.ELLIPSE, ellipse), finding_type=codes.SCT.Neoplasm),
]
volumetric = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
    tracking_identifier=tracked("In a segmentation"),
    referenced_segment=hd.sr.ReferencedSegment.from_segmentation(binary, segment_number=2),
    finding_type=codes.SCT.Neoplasm,
)
surface = hd.sr.VolumeSurface(
    graphic_type=kinds.POINT, graphic_data=[np.array([lps(mm(6, 7, 2))], float)], frame_of_reference_uid=FRAME, source_images=[hd.sr.SourceImageForSegmentation(source[0].SOPClassUID, source[0].SOPInstanceUID)]
)
pointed = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(tracking_identifier=tracked("Key point"), referenced_volume_surface=surface, finding_type=codes.SCT.Neoplasm)
ellipsoid_axes = [6.0 * along[0], 3.0 * along[1], 9.0 * along[2]]
ellipsoid = np.array([lps(centre + s * v) for v in ellipsoid_axes for s in (-1, 1)])
reach3 = np.sqrt(sum(v**2 for v in ellipsoid_axes))
egg = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
    tracking_identifier=tracked("Egg"),
    referenced_volume_surface=hd.sr.VolumeSurface(graphic_type=kinds.ELLIPSOID, graphic_data=[ellipsoid], frame_of_reference_uid=FRAME, source_images=[hd.sr.SourceImageForSegmentation(source[0].SOPClassUID, source[0].SOPInstanceUID)]),
    finding_type=codes.SCT.Neoplasm,
)
flat = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
    tracking_identifier=tracked("In pixels"),
    referenced_region=hd.sr.ImageRegion(graphic_type=hd.sr.GraphicTypeValues.POINT, graphic_data=np.array([[8.0, 9.0]]), source_image=hd.sr.SourceImageForRegion(source[4].SOPClassUID, source[4].SOPInstanceUID)),
    finding_type=codes.SCT.Neoplasm,
)
observer = hd.sr.ObservationContext(
    observer_person_context=hd.sr.ObserverContext(observer_type=codes.DCM.Person, observer_identifying_attributes=hd.sr.PersonObserverIdentifyingAttributes(name="Reader^One"))
)
report = hd.sr.MeasurementReport(
    observation_context=observer,
    procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
    imaging_measurements=[*groups, volumetric, pointed, egg, flat],
)
sr = hd.sr.Comprehensive3DSR(
    evidence=[*source, binary],
    content=report,
    series_number=4,
    series_instance_uid="1.2.826.0.1.1.4",
    sop_instance_uid="1.2.826.0.1.1.4.1",
    instance_number=1,
    manufacturer="none",
)
corner = np.array(square[:4])
by_name = {
    "Nodule": {"outline": [corner.min(0).tolist(), corner.max(0).tolist()]},
    "Round": {"outline": [(centre - reach).tolist(), (centre + reach).tolist()]},
    "In a segmentation": {"error": "segment 2 of the segmentation 1\\.2\\.826\\.0\\.1\\.1\\.2\\.1"},
    "Key point": {"point": mm(6, 7, 2)},
    "Egg": {"box": [(centre - reach3).tolist(), (centre + reach3).tolist()]},
    "In pixels": {"error": "pixels of an image \\(SCOORD\\)"},
}
# In the order in which the report holds them: planar before volumetric groups.
names = []
for element in sr.iterall():
    if element.tag == 0x0040A160 and element.value in by_name and element.value not in names:
        names.append(element.value)
case("highdicom TID 1500", data_of(sr), [{"name": n, "number": i + 1, **by_name[n]} for i, n in enumerate(names)], kind="sr")

# The scan itself, for what is of the same place and what is not.
cases["scan"] = {"files": [base64.b64encode(data_of(ds)).decode() for ds in source]}
json.dump(cases, open(HERE / "regions.json", "w"), indent=1)
print({name: len(json.dumps(c)) for name, c in cases.items()})
