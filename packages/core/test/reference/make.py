"""Makes the reference values of core's unit tests with numpy, PyTorch, nibabel and safetensors, never with core itself.

usage: python make.py [BACKBONE_FOLDER] [CHECKPOINT]     (numpy 2, torch 2.13, nibabel 5.4, safetensors 0.8)
BACKBONE_FOLDER: packages/backbone-dinov2-small; CHECKPOINT: the fp32 model.safetensors in Hugging Face layout it was made from.
Without them hashes.json stays as it is.
"""
import base64
import hashlib
import json
import struct
import sys
from pathlib import Path

import nibabel
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file
from safetensors.torch import save as save_safetensors

HERE = Path(__file__).parent
rng = np.random.default_rng(5)


def write(name, value):
    (HERE / f"{name}.json").write_text(json.dumps(value, separators=(",", ":")) + "\n")


def short(values, digits=7):
    return [float(f"{float(v):.{digits}g}") for v in np.asarray(values, dtype=np.float64).ravel()]


def floats(size, digits=4):
    """Random numbers that decimal text carries exactly enough: rounded before they are used."""
    return np.round(rng.uniform(0, 1, size), digits)


def bits32(values):
    return np.asarray(values, dtype=np.float32).view(np.uint32)


def half():
    every = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    finite = np.where(np.isnan(every), np.float32(0), every)
    edges = [0, -0.0, 1, -1, 65504, 65519.996, 65520, -65520, 65536, 1e30, np.inf, -np.inf, 2**-14, 2**-14 - 2**-25, 2**-24, 2**-25,
             np.nextafter(np.float32(2**-25), np.float32(1)), 2**-26, 1.5 * 2**-24, 2.5 * 2**-24, 1 + 2**-11, 1 + 3 * 2**-11,
             1 + 2**-11 + 2**-23, 2049, 2051, 4098, 4102, 1e-40, -1e-40, 2 - 2**-12, 1023.5 * 2**-24, 2047.5 * 2**-24]
    random = rng.integers(0, 2**32, 500, dtype=np.uint32)
    random = random[np.isfinite(random.view(np.float32))]
    scaled = bits32(rng.normal(0, 1, 500) * 10.0 ** rng.uniform(-8, 5, 500))
    ties = (rng.integers(0, 31744, 300).astype(np.uint16).view(np.float16).astype(np.float64))
    ties = bits32((ties + np.nextafter(ties.astype(np.float16), np.float16(np.inf)).astype(np.float64)) / 2)
    words = np.concatenate([bits32(edges), random, scaled, ties])
    with np.errstate(over="ignore"):
        halves = words.view(np.float32).astype(np.float16).view(np.uint16)
    some = rng.integers(0, 65536, 60).astype(np.uint16)
    b = torch.from_numpy(some.view(np.int16)).view(torch.bfloat16).float().numpy()
    keep = ~np.isnan(b)
    write("half", {
        "finiteSha256": hashlib.sha256(finite.astype("<f4").tobytes()).hexdigest(), "nans": int(np.isnan(every).sum()),
        "words": words.tolist(), "halves": halves.tolist(),
        "bfloat": {"bits": some[keep].tolist(), "words": b[keep].view(np.uint32).tolist()},
    })


def safetensors_file():
    torch.manual_seed(1)
    t = {"f32": torch.randn(2, 3), "f64": torch.randn(4, dtype=torch.float64), "f16": torch.randn(3, 1, 2).half(), "bf16": torch.randn(5).bfloat16(),
         "empty": torch.zeros(0, 4), "scalar": torch.tensor(2.5)}
    write("safetensors", {
        "file": base64.b64encode(save_safetensors(t, {"format": "pt"})).decode(),
        "tensors": {k: {"shape": list(v.shape), "words": bits32(v.float().numpy()).ravel().tolist()} for k, v in t.items()},
    })


def content_hash(path):
    """The recipe: SHA-256 over one line a tensor, sorted by name, `name dtype d0,d1,… sha256(bytes)\\n`."""
    data = Path(path).read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    lines = ""
    for name in sorted(k for k in header if k != "__metadata__"):
        e = header[name]
        a, b = e["data_offsets"]
        lines += f"{name} {e['dtype']} {','.join(map(str, e['shape']))} {hashlib.sha256(data[8 + n + a:8 + n + b]).hexdigest()}\n"
    return "sha256-" + hashlib.sha256(lines.encode()).hexdigest()


def hashes(backbone, checkpoint):
    t = load_file(checkpoint)
    layer = "encoder.layer.{}."
    attention = layer + "attention.attention."
    qkv = lambda i, part: np.concatenate([t[attention.format(i) + f"{n}.{part}"] for n in ("query", "key", "value")])
    wanted = {
        "patch.weight": t["embeddings.patch_embeddings.projection.weight"], "cls": t["embeddings.cls_token"], "position": t["embeddings.position_embeddings"],
        "norm.weight": t["layernorm.weight"], "blocks.0.qkv.weight": qkv(0, "weight"), "blocks.11.qkv.bias": qkv(11, "bias"),
        "blocks.5.fc1.weight": t[layer.format(5) + "mlp.fc1.weight"], "blocks.3.scale2": t[layer.format(3) + "layer_scale2.lambda1"],
        "blocks.7.proj.weight": t[layer.format(7) + "attention.output.dense.weight"],
    }
    write("hashes", {
        "contentHash": content_hash(Path(backbone) / "weights.safetensors"),
        "float16": {k: hashlib.sha256(v.astype(np.float32).astype("<f2").tobytes()).hexdigest() for k, v in wanted.items()},
    })


def position():
    width, grid = 3, (5, 7)
    table = floats((1 + grid[0] * grid[1], width))
    cases = []
    for rows, columns in [(5, 7), (8, 11), (3, 4), (2, 9), (12, 3), (1, 1), (10, 14)]:
        for antialias in (False, True):
            x = torch.tensor(table[1:], dtype=torch.float32).reshape(1, *grid, width).permute(0, 3, 1, 2)
            y = F.interpolate(x, size=(rows, columns), mode="bicubic", align_corners=False, antialias=antialias)
            cases.append({"rows": rows, "columns": columns, "antialias": antialias, "values": short(y.permute(0, 2, 3, 1))})
    ropes = []
    for size, rows, columns, theta in [(16, 3, 5, 100.0), (8, 4, 2, 10000.0)]:
        frequencies = 1 / theta ** torch.arange(0, 1, 4 / size, dtype=torch.float64)
        y, x = (torch.arange(rows) + 0.5) / rows, (torch.arange(columns) + 0.5) / columns
        centres = 2 * torch.stack(torch.meshgrid(y, x, indexing="ij"), -1).reshape(-1, 2) - 1
        angles = (2 * torch.pi * centres[:, :, None] * frequencies).flatten(1).tile(2)
        q = torch.tensor(floats((rows * columns, size)))
        a, b = q.chunk(2, -1)
        turned = q * angles.cos() + torch.cat([-b, a], -1) * angles.sin()
        ropes.append({"size": size, "rows": rows, "columns": columns, "theta": theta, "q": short(q), "turned": short(turned)})
    write("position", {"grid": grid, "width": width, "table": short(table), "cases": cases, "ropes": ropes})


def geometry():
    cases = []
    while len(cases) < 80:
        rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        if len(cases) % 2:  # near the axes, where scans usually are
            rotation = np.eye(3)[rng.permutation(3)] * rng.choice([-1, 1], 3) + rng.normal(0, 0.15, (3, 3))
            rotation = np.linalg.qr(rotation)[0] * np.sign(np.diag(np.linalg.qr(rotation)[1]))
        affine = np.eye(4)
        affine[:3, :3] = rotation * rng.uniform(0.4, 5, 3)
        affine[:3, 3] = rng.uniform(-200, 200, 3)
        affine = np.round(affine, 5)
        cosines = np.sort(np.abs(rotation), axis=0)
        if (cosines[2] - cosines[1]).min() < 0.05 or len(set(np.abs(rotation).argmax(0))) < 3:
            continue  # no clear nearest axis: conventions differ there
        cases.append({"affine": affine.ravel().tolist(), "codes": "".join(nibabel.aff2axcodes(affine)),
                      "orientation": nibabel.io_orientation(affine).astype(int).tolist(), "spacing": short(nibabel.affines.voxel_sizes(affine))})
    write("geometry", cases)


def sampled(image, centre, step, size, pad):
    """PyTorch's grid_sample, border padding, then pad beyond half a voxel of the outermost centres."""
    rows, columns = image.shape
    at = [centre[k] + (np.arange(size[k]) - (size[k] - 1) / 2) * step[k] for k in (0, 1)]
    norm = [(2 * at[k] + 1) / image.shape[k] - 1 for k in (0, 1)]
    grid = torch.tensor(np.stack(np.broadcast_arrays(norm[1][None, :], norm[0][:, None]), -1), dtype=torch.float64)[None]
    out = F.grid_sample(torch.tensor(image)[None, None], grid, mode="bilinear", padding_mode="border", align_corners=False)[0, 0].numpy()
    outside = [(at[k] < -0.5) | (at[k] > image.shape[k] - 0.5) for k in (0, 1)]
    return np.where(outside[0][:, None] | outside[1][None, :], pad, out)


def preprocess():
    cases = []
    for shape, voxel, spacing, size in [((7, 9), (1.0, 1.0), 0.5, (14, 14)), ((7, 9), (0.8, 1.1), 0.3, (12, 20)), ((6, 5), (1.0, 2.0), 1.0, (8, 10)),
                                        ((1, 6), (2.0, 0.7), 0.5, (6, 6)), ((8, 8), (1.0, 1.0), 1.0, (6, 4)), ((3, 3), (1.0, 1.0), 0.4, (40, 10))]:
        image = floats(shape)
        values = sampled(image, [(n - 1) / 2 for n in shape], [spacing / v for v in voxel], size, 0.25)
        cases.append({"shape": shape, "voxel": voxel, "spacing": spacing, "size": size, "image": short(image), "values": short(values)})
    for shape, size in [((20, 30), (7, 9)), ((33, 12), (8, 8)), ((9, 40), (14, 6)), ((5, 4), (12, 14)), ((10, 10), (10, 10)), ((50, 2), (3, 5)), ((1, 1), (4, 4))]:
        image = floats(shape)
        values = F.interpolate(torch.tensor(image)[None, None], size=size, mode="bilinear", align_corners=False, antialias=True)
        cases.append({"shape": shape, "voxel": (0.7, 1.3), "spacing": None, "size": size, "image": short(image), "values": short(values)})
    write("preprocess", cases)


def intensity():
    arrays = {
        "float": np.round(rng.normal(50, 300, 401), 3), "skewed": np.round(np.exp(rng.normal(0, 3, 500)), 4),
        "integer": rng.integers(-5, 6, 300).astype(float), "constant": np.full(20, 7.0), "one": np.array([3.5]), "two": np.array([1.0, 2.0]),
        "zeros": np.zeros(9), "outlier": np.concatenate([floats(200), [1e6]]),
    }
    percents = [0, 0.5, 25, 50, 99.5, 100]
    cases = {}
    for name, values in arrays.items():
        filled = values[values != 0]
        cases[name] = {"values": short(values, 10), "all": short(np.percentile(values, percents), 10), "mean": float(values.mean()), "sd": float(values.std()),
                       "nonzero": short(np.percentile(filled, percents), 10) if len(filled) else None,
                       "nonzeroMean": float(filled.mean()) if len(filled) else None, "nonzeroSd": float(filled.std()) if len(filled) else None}
    write("intensity", {"percents": percents, "cases": cases})


def pool():
    n, d = 6, 5
    cases = []
    for mask in (None, [1, 1, 0, 1, 0, 1], [0, 0, 0, 1, 0, 0]):
        for reach in (1, 300):
            rows, query = np.round(rng.normal(0, reach, (n, d)), 3), np.round(rng.normal(0, 1, d), 3)
            h, q = torch.tensor(rows), torch.tensor(query)
            scores = h @ q / d**0.5
            if mask:
                scores = scores.masked_fill(torch.tensor(mask) == 0, -torch.inf)
            weights = scores.softmax(0)
            weight, bias = np.round(rng.normal(0, 1, (3, d)), 3), np.round(rng.normal(0, 1, 3), 3)
            logits = F.linear(weights @ h, torch.tensor(weight), torch.tensor(bias))
            cases.append({"rows": short(rows), "query": short(query), "mask": mask, "weights": short(weights), "embedding": short(weights @ h),
                          "mean": short(h.mean(0)), "head": short(weight), "bias": short(bias), "logits": short(logits), "softmax": short(logits.softmax(0))})
    x = [-1000, -40, -3.5, -1e-3, 0, 0.7, 12, 40, 1000]
    write("pool", {"n": n, "d": d, "cases": cases, "x": x, "sigmoid": short(torch.tensor(x, dtype=torch.float64).sigmoid(), 12)})


half()
safetensors_file()
position()
geometry()
preprocess()
intensity()
pool()
if len(sys.argv) == 3:
    hashes(*sys.argv[1:])
