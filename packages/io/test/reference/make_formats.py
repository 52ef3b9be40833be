"""Makes formats.json: small volumes as SimpleITK, pynrrd, nibabel and numpy write them (base64), with the values and affine (mm, RAS+) that these
programs read back; and hand-written headers, with what SimpleITK reads from them.

Run: python make_formats.py   (made with SimpleITK 2.5, pynrrd 1.1, nibabel 5.4, numpy 2.4)
"""
import base64
import json
import pathlib
import tempfile
import zlib

import nibabel as nib
import nrrd
import numpy as np
import SimpleITK as sitk

rng = np.random.default_rng(5)
folder = pathlib.Path(tempfile.mkdtemp())
LPS = np.diag([-1.0, -1, 1, 1])
shape = (3, 4, 5)  # z, y, x

direction = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, -1]]) @ np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])


def array(dtype, size=shape):
    if np.dtype(dtype).kind == "f":
        return np.round(rng.normal(0, 100, size), 2).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(max(info.min, -(2**53)), min(info.max, 2**53), size, dtype=np.int64, endpoint=True).astype(dtype)


def image(values, vector=False):
    made = sitk.GetImageFromArray(values, isVector=vector)
    made.SetDirection(direction.ravel())
    made.SetSpacing((0.5, 1.25, 3))
    made.SetOrigin((10, -20.5, 30))
    return made


def affine_of(img):
    a = np.eye(4)
    a[:3, :3] = np.array(img.GetDirection()).reshape(3, 3) * np.array(img.GetSpacing())
    a[:3, 3] = img.GetOrigin()
    return [float(v) for v in (LPS @ a).ravel()]


def read(name):
    img = sitk.ReadImage(str(folder / name))
    values = sitk.GetArrayFromImage(img)
    return {"shape": list(img.GetSize()), "affine": affine_of(img), "values": [float(v) for v in values.ravel()], "dtype": values.dtype.name}


def files(*names):
    return {name: base64.b64encode((folder / name).read_bytes()).decode() for name in names}


cases = {}


def case(key, *names, **more):
    cases[key] = {"files": files(*names), **(more or read(names[0]))}


for dtype in ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]:
    values = array(dtype)
    for ending in ["mha", "nrrd"]:
        name = f"{dtype}.{ending}"
        sitk.WriteImage(image(values), str(folder / name), dtype in ("int16", "float32"))
        case(f"SimpleITK {name}", name)
values = array("int16")
for header, data in [("pair.mhd", "pair.raw"), ("packed.mhd", "packed.zraw"), ("pair.nhdr", "pair.raw"), ("packed.nhdr", "packed.raw.gz")]:
    sitk.WriteImage(image(values), str(folder / header), header.startswith("packed"))
    case(f"SimpleITK {header}", header, data)

tagged = image(array("int16"))
for key, value in {"0008|0060": "CT", "0010|0010": "Nobody^At", "my key": "a = b"}.items():
    tagged.SetMetaData(key, value)
for name in ["tagged.mha", "tagged.nrrd"]:
    sitk.WriteImage(tagged, str(folder / name))
    case(f"SimpleITK {name}", name)

# two channels, two frames: all values, the second's are compared
for key, many, vector in [("channels", array("int16", (*shape, 2)), True), ("frames", array("int16", (2, *shape)), False)]:
    made = sitk.GetImageFromArray(many, isVector=vector)
    for name in [f"{key}.mha", f"{key}.nrrd"]:
        sitk.WriteImage(made, str(folder / name))
        back = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / name)))
        second = back[..., 1] if vector else back[1]
        oriented = vector or name.endswith("mha")  # ITK writes four-dimensional NRRD without a named space
        case(f"SimpleITK {name}", name, shape=list(shape[::-1]), affine=LPS.ravel().tolist() if oriented else [], values=[float(v) for v in second.ravel()], dtype="int16")

# pynrrd, values as numpy's, index order F: x fastest
values = np.asfortranarray(array("int16").transpose(2, 1, 0))
geometry = {"space": "right-anterior-superior", "space directions": [[0, 0, 2.0], [1, 0, 0], [0, 1.5, 0]], "space origin": [1.0, -2, 3]}
affine = [0, 1, 0, 1, 0, 0, 1.5, -2, 2, 0, 0, 3, 0, 0, 0, 1]
for encoding in ["raw", "gzip", "ascii"]:
    name = f"pynrrd-{encoding}.nrrd"
    nrrd.write(str(folder / name), values, {**geometry, "encoding": encoding})
    back, _ = nrrd.read(str(folder / name))
    case(name, name, shape=[int(n) for n in back.shape], affine=affine, values=[float(v) for v in back.ravel(order="F")], dtype="int16")
nrrd.write(str(folder / "big.nrrd"), values.astype(">i2"), {**geometry, "encoding": "raw", "endian": "big"})
case("pynrrd big-endian", "big.nrrd", shape=list(values.shape), affine=affine, values=[float(v) for v in values.ravel(order="F")], dtype="int16")
nrrd.write(str(folder / "apart.nhdr"), values, {**geometry, "encoding": "gzip"}, detached_header=True)
case("pynrrd apart.nhdr", "apart.nhdr", "apart.raw.gz", shape=list(values.shape), affine=affine, values=[float(v) for v in values.ravel(order="F")], dtype="int16")

# headers by hand, read by SimpleITK
raw = np.arange(60, dtype="<i2")
HEAD = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
TAIL = "DimSize = 5 4 3\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
hand = {
    "O22.mha": HEAD + "TransformMatrix = 0 1 0 -1 0 0 0 0 1\nElementSpacing = 1 2 3\nOffset = 10 20 30\n" + TAIL,
    "bare.mha": HEAD + TAIL,
    "element-size.mha": HEAD + "ElementSize = 1 2 3\nPosition = 4 5 6\nRotation = 1 0 0 0 0 1 0 -1 0\n" + TAIL,
    "no-object-type.mha": HEAD.split("\n", 1)[1] + "Offset = 1 2 3\n" + TAIL,
    "big.mha": HEAD.replace("False", "True") + TAIL,
    "tail.mha": HEAD + "HeaderSize = -1\n" + TAIL,
}
for name, header in hand.items():
    (folder / name).write_bytes(header.encode() + (b"extra" if name == "tail.mha" else b"") + raw.tobytes())
    case(name, name)
(folder / "text.mha").write_text((HEAD + TAIL).replace("BinaryData = True", "BinaryData = False") + " ".join(map(str, raw)) + "\n")
case("text.mha", "text.mha")
for i in range(3):
    (folder / f"slice{i + 1:02d}.raw").write_bytes(raw[20 * i : 20 * i + 20].tobytes())
    (folder / f"slice{i + 1:02d}.z").write_bytes(zlib.compress(raw[20 * i : 20 * i + 20].tobytes()))
SLICES = [f"slice{i + 1:02d}.raw" for i in range(3)]
for name, data in {"list.mhd": "LIST\n" + "\n".join(SLICES), "pattern.mhd": "slice%02d.raw 1 3 1"}.items():
    (folder / name).write_text((HEAD + "Offset = 1 2 3\n" + TAIL).replace("LOCAL", data) + "\n")
    case(name, name, *SLICES)
NRRD = "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 5 4 3\nspace directions: (1,0,0) (0,2,0) (0,0,3)\nspace origin: (1,2,3)\nendian: little\nencoding: raw\n"
for name, data in {"list.nhdr": "LIST\n" + "\n".join(SLICES), "pattern.nhdr": "slice%02d.raw 1 3 1"}.items():
    (folder / name).write_text(NRRD + f"data file: {data}\n")
    case(name, name, *SLICES)
(folder / "skipped.raw").write_bytes(b"junk line\nseven..." + raw.tobytes())
for name, fields in {"minus-one.nhdr": "byte skip: -1\n", "skip.nhdr": "line skip: 1\nbyte skip: 8\n"}.items():
    (folder / name).write_text(NRRD + fields + "data file: skipped.raw\n")
    case(name, name, "skipped.raw")

# nibabel: MGH and ANALYZE
made = nib.affines.from_matvec(direction * [0.5, 1.25, 3], [10, -20.5, 30])
for dtype, ending in [("uint8", "mgh"), ("int16", "mgz"), ("int32", "mgz"), ("float32", "mgh")]:
    name = f"{dtype}.{ending}"
    nib.save(nib.MGHImage(array(dtype).transpose(2, 1, 0), made), folder / name)
    back = nib.load(folder / name)
    values = np.asanyarray(back.dataobj)
    case(f"nibabel {name}", name, shape=[int(n) for n in back.shape], affine=back.affine.ravel().tolist(), values=[float(v) for v in values.ravel(order="F")], dtype=dtype)
nib.save(nib.MGHImage(array("int16", (2, 3, 4, 5)).transpose(3, 2, 1, 0), made), folder / "frames.mgz")
back = nib.load(folder / "frames.mgz")
case("nibabel frames.mgz", "frames.mgz", shape=[int(n) for n in back.shape], affine=back.affine.ravel().tolist(), values=[float(v) for v in np.asanyarray(back.dataobj).ravel(order="F")], dtype="int16")
blank = nib.MGHImage(array("uint8").transpose(2, 1, 0), None)
blank.header["goodRASFlag"] = 0
nib.save(blank, folder / "blank.mgh")
data = bytearray((folder / "blank.mgh").read_bytes())
data[28:30] = b"\0\0"
data[30:90] = bytes(60)
(folder / "blank.mgh").write_bytes(data)
# FreeSurfer and nibabel disagree on what it then is (y down, z to the front; y up, z to the back)
case("no orientation.mgh", "blank.mgh", shape=list(shape[::-1]), affine=[], values=[float(v) for v in np.asanyarray(blank.dataobj).ravel(order="F")], dtype="uint8")
analyze = nib.AnalyzeImage(array("int16").transpose(2, 1, 0), np.diag([1.5, 2, 2.5, 1]))
nib.save(analyze, folder / "old.img")
case("analyze", "old.hdr", "old.img", shape=list(shape[::-1]), affine=[], values=[float(v) for v in np.asanyarray(analyze.dataobj).ravel(order="F")], dtype="int16")

# NumPy
grid = np.arange(24, dtype="<i2").reshape(2, 3, 4)
np.save(folder / "a.npy", grid)
case("a.npy", "a.npy", values=[float(v) for v in grid.ravel()], shape=[4, 3, 2], affine=[], dtype="int16")
np.savez_compressed(folder / "fortran.npz", a=np.asfortranarray(grid))
case("fortran.npz", "fortran.npz", values=[float(v) for v in grid.ravel()], shape=[4, 3, 2], affine=[], dtype="int16")
many = rng.integers(0, 2, (6, 3, 4, 5)).astype("uint8") * 255
np.savez_compressed(folder / "mnist.npz", train_images=many, train_labels=np.zeros((6, 1), "u1"), val_images=many[:2], val_labels=np.zeros((2, 1), "u1"))
case("mnist.npz", "mnist.npz", values=[float(v) for v in many[4].ravel()], shape=[5, 4, 3], affine=[], dtype="uint8")
path = pathlib.Path(__file__).with_name("formats.json")
path.write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
print(len(cases), path.stat().st_size)
