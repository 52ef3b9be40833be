"""Makes npz.json: small .npz files written by numpy (base64), with shapes and values as numpy reads them back.

Run: python make_npz.py   (needs numpy; made with numpy 2)
"""
import base64
import io
import json
import pathlib

import numpy as np

rng = np.random.default_rng(11)


def of_type(dtype, shape):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    if dtype.kind == "f":
        return np.round(rng.normal(0, 100, shape), 2).astype(dtype)
    info = np.iinfo(dtype.newbyteorder("="))
    low, high = max(info.min, -(2**53)), min(info.max, 2**53)
    return rng.integers(low, high, shape, dtype=np.int64, endpoint=True).astype(dtype)


def written(arrays, compressed, version=None):
    target = io.BytesIO()
    if version is None:
        (np.savez_compressed if compressed else np.savez)(target, **arrays)
    else:
        import zipfile

        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
            for name, array in arrays.items():
                part = io.BytesIO()
                np.lib.format.write_array(part, array, version=version)
                archive.writestr(f"{name}.npy", part.getvalue())
    return target.getvalue()


def case(arrays, **how):
    raw = written(arrays, **how)
    back = np.load(io.BytesIO(raw))
    values = {
        name: {
            "dtype": back[name].dtype.newbyteorder("=").name,
            "shape": list(back[name].shape),
            "values": [float(v) for v in back[name].ravel(order="C")],
        }
        for name in back.files
    }
    return {"base64": base64.b64encode(raw).decode(), "arrays": values}


TYPES = ["?", "u1", "i1", "<u2", ">u2", "<i2", ">i2", "<u4", ">u4", "<i4", ">i4", "<i8", ">i8", "<u8", ">u8",
         "<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]
every = {t.replace("<", "little_").replace(">", "big_").replace("?", "bool"): of_type(t, (2, 3, 4)) for t in TYPES}
fortran = {t.replace(">", "big_"): np.asfortranarray(of_type(t, (3, 4, 5, 2))) for t in ["u1", "f4", ">i2"]}
shapes = {"scalar": np.array(2.5), "one": of_type("u1", (5,)), "none": np.zeros((0, 3), "f4"), "column": of_type("u1", (6, 1))}
cases = {
    "stored": case(every, compressed=False),
    "deflated": case(every, compressed=True),
    "fortran": case(fortran, compressed=True),
    "shapes": case(shapes, compressed=False),
    "version 2": case({"x": of_type("<f4", (3, 2))}, compressed=True, version=(2, 0)),
    "version 3": case({"x": of_type("<i2", (3, 2))}, compressed=False, version=(3, 0)),
}
refused = {
    "text": np.array(["a", "bc"]),
    "complex": np.array([1 + 2j]),
    "records": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]),
    "objects": np.array([{"a": 1}], dtype=object),
    "2^53 + 1": np.array([5, 2**53 + 1]),
}
bad = {name: base64.b64encode(written({"x": array}, compressed=False)).decode() for name, array in refused.items()}
path = pathlib.Path(__file__).with_name("npz.json")
path.write_text(json.dumps({"cases": cases, "refused": bad}, separators=(",", ":")) + "\n")
