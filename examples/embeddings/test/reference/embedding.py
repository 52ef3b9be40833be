"""The mean CLS embedding of the lung-nodule adapter's sample, by NumPy, from the files alone: slices as the adapter cuts them, the backbone without LoRA.

Independent of the TypeScript code: it shares the file formats only. Prints JSON, 384 numbers.
usage: embedding.py     (numpy 2, scipy, nibabel, safetensors)
"""
import json
from pathlib import Path

import nibabel as nib
import numpy as np
from safetensors.numpy import load_file
from scipy.special import erf, softmax

packages = next(parent for parent in Path(__file__).resolve().parents if (parent / "packages").is_dir()) / "packages"
adapter = next(packages.glob("adapter*/**/sample.nii.gz")).parent
backbone = packages / "backbone-dinov2-small"
view = json.loads((adapter / "adapter.json").read_text())["input"]["views"][0]
spec = json.loads((backbone / "backbone.json").read_text())["spec"]
tensors = {name: values.astype(np.float64) for name, values in load_file(backbone / "weights.safetensors").items()}


def slices():
    """[slices, rows, columns] toward superior, posterior, patient left, and the pixel spacing."""
    image = nib.load(adapter / "sample.nii.gz")
    turned = image.as_reoriented(nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.orientations.axcodes2ornt("LPS")))
    spacing = nib.affines.voxel_sizes(turned.affine)
    return np.asarray(turned.dataobj, dtype=np.float64).transpose(2, 1, 0), (spacing[1], spacing[0])


def taps(length, step, count):
    """[count, length]: linear about the centre, a wider triangle when shrinking; rows outside of the volume are 0."""
    weights = np.zeros((count, length))
    for i in range(count):
        position = (length - 1) / 2 + (i - (count - 1) / 2) * step
        if -0.5 <= position <= length - 0.5:
            reach = max(1.0, step)
            inside = min(length - 1, max(0, position)) if reach == 1 else position
            row = np.maximum(0, 1 - np.abs(np.arange(length) - inside) / reach)
            weights[i] = row / row.sum()
    return weights


def pixels():
    stack, spacing = slices()
    down, across = (taps(n, view["spacing"] / own, count) for n, own, count in zip(stack.shape[1:], spacing, view["size"]))
    values = np.einsum("yr,src,xc->syx", down, stack, across)
    values[:, (down.sum(1) == 0)[:, None] | (across.sum(1) == 0)[None, :]] = view["pad"]
    channels = np.stack([(np.clip(values, low, high) - low) / (high - low) for low, high in view["intensity"]["windows"]], 1)
    return (channels - np.reshape(spec["mean"], (1, 3, 1, 1))) / np.reshape(spec["std"], (1, 3, 1, 1))


def cubic(count, wanted):
    """[wanted, count]: bicubic, a = -0.75, pixel centres, edges repeated."""
    out = np.zeros((wanted, count))
    for i in range(wanted):
        at = (i + 0.5) * count / wanted - 0.5
        base = int(np.floor(at))
        for tap in range(base - 1, base + 3):
            d = abs(at - tap)
            weight = 1.25 * d**3 - 2.25 * d**2 + 1 if d <= 1 else -0.75 * (d**3 - 5 * d**2 + 8 * d - 4)
            out[i, min(count - 1, max(0, tap))] += weight
    return out


def norm(x, name):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + spec["normEps"]) * tensors[name + ".weight"] + tensors[name + ".bias"]


linear = lambda x, name: x @ tensors[name + ".weight"].T + tensors[name + ".bias"]


def cls(image):
    """[3, H, W] → [D]"""
    p, width, heads = spec["patch"], spec["width"], spec["heads"]
    rows, columns = image.shape[1] // p, image.shape[2] // p
    patches = image.reshape(3, rows, p, columns, p).transpose(1, 3, 0, 2, 4).reshape(rows * columns, -1)
    height, side = spec["position"]["grid"]
    grid = tensors["position"][1:].reshape(height, side, width)
    positions = np.einsum("yr,rcd,xc->yxd", cubic(height, rows), grid, cubic(side, columns)).reshape(-1, width)
    x = np.concatenate([(tensors["cls"] + tensors["position"][0])[None], linear(patches, "patch") + positions])
    for i in range(spec["depth"]):
        b = f"blocks.{i}"
        q, k, v = linear(norm(x, b + ".norm1"), b + ".qkv").reshape(len(x), 3, heads, -1).transpose(1, 2, 0, 3)
        attention = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(width // heads), -1)
        x = x + linear((attention @ v).transpose(1, 0, 2).reshape(len(x), width), b + ".proj") * tensors[b + ".scale1"]
        h = linear(norm(x, b + ".norm2"), b + ".fc1")
        x = x + linear(h * (1 + erf(h / np.sqrt(2))) / 2, b + ".fc2") * tensors[b + ".scale2"]
    return norm(x, "norm")[0]


print(json.dumps([round(float(value), 5) for value in np.mean([cls(image) for image in pixels()], 0)]))
