"""Logits and slice weights of a shipped adapter in PyTorch, from its files alone: preprocessing, backbone, LoRA, pooling, fusion, head.

Independent of the TypeScript code: it shares the file formats only. Prints JSON {volume: {logits, sliceWeights (first view)}}.
usage: adapter_logits.py ADAPTER BACKBONE VOLUME...   (package folders; a volume is a NIfTI file, an .npy, or FILE.npz#ARRAY[INDEX])
       pip install torch==2.13.0 numpy nibabel safetensors
"""
import json
import re
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from safetensors.torch import load_file

from vit import forward

adapter, backbone = Path(sys.argv[1]), Path(sys.argv[2])
manifest = json.loads((adapter / "adapter.json").read_text())
spec = json.loads((backbone / "backbone.json").read_text())["spec"]
base = {k: v.float() for k, v in load_file(backbone / "weights.safetensors").items()}
own = {k: v.float() for k, v in load_file(adapter / "weights.safetensors").items()}

# Display order: (columns, rows, slices) as patient axis and direction, +1 toward right, anterior, superior.
PLANES = {"axial": ((0, -1), (1, -1), (2, 1)), "coronal": ((0, -1), (2, -1), (1, -1)), "sagittal": ((1, -1), (2, -1), (0, -1))}


def load(name):
    """Voxels [x, y, z], spacing, and for each voxel axis its patient axis and direction (None: not known)."""
    found = re.fullmatch(r"(.+\.npz)#(\w+)\[(\d+)\]", name)
    if found or name.endswith(".npy"):
        array = np.load(found[1])[found[2]][int(found[3])] if found else np.load(name)
        return array.astype(np.float64).transpose(2, 1, 0), (1, 1, 1), None
    image = nib.load(name)
    spacing = nib.affines.voxel_sizes(image.affine)
    return np.asarray(image.dataobj, dtype=np.float64), spacing, nib.io_orientation(image.affine)


def display(voxels, spacing, orientation, plane):
    """[slices, rows, columns] in display order, and (row, column) spacing."""
    if orientation is None:
        order = {"axial": (2, 1, 0), "coronal": (1, 2, 0), "sagittal": (0, 2, 1)}[plane]
        return voxels.transpose(order), (spacing[order[1]], spacing[order[2]])
    columns, rows, slices = PLANES[plane]
    axes = [next(v for v in range(3) if int(orientation[v, 0]) == world) for world, _ in (slices, rows, columns)]
    out = voxels.transpose(axes)
    for at, (axis, (_, direction)) in enumerate(zip(axes, (slices, rows, columns))):
        if orientation[axis, 1] != direction:
            out = np.flip(out, at)
    return out, (spacing[axes[1]], spacing[axes[2]])


def taps(length, step, count):
    """[count, length] weights: linear, a triangle as wide as an output pixel when shrinking; a row of 0 outside the volume."""
    weights = np.zeros((count, length))
    for i in range(count):
        position = (length - 1) / 2 + (i - (count - 1) / 2) * step
        if -0.5 <= position <= length - 0.5:
            reach = max(1.0, step)
            inside = min(length - 1, max(0, position)) if reach == 1 else position
            row = np.maximum(0, 1 - np.abs(np.arange(length) - inside) / reach)
            weights[i] = row / row.sum()
    return weights


def view_pixels(volume, view):
    assert view["crop"] == "volume"
    stack, spacing = display(*volume, view["plane"])
    choice = view["slices"]
    if choice["choice"] == "foreground":
        stack = stack[(stack > choice["above"]).any((1, 2))][:: choice.get("every", 1)]
    if "count" in choice and len(stack) > choice["count"]:
        stack = stack[[int((i + 0.5) * len(stack) / choice["count"]) for i in range(choice["count"])]]
    axes = []
    for length, own_spacing, count in zip(stack.shape[1:], spacing, view["size"]):
        step = length / count if view["spacing"] is None else view["spacing"] / own_spacing
        axes.append(taps(length, step, count))
    down, across = axes
    values = np.einsum("yr,src,xc->syx", down, stack, across)
    outside = (down.sum(1) == 0)[:, None] | (across.sum(1) == 0)[None, :]
    values[:, outside] = view["pad"]
    intensity = view["intensity"]
    windows = intensity["windows"] if intensity["kind"] == "windows" else [intensity["range"]]
    windows = windows if len(windows) == 3 else windows * 3
    channels = [(np.clip(values, low, high) - low) / (high - low) for low, high in windows]
    pixels = torch.from_numpy(np.stack(channels, 1)).float()
    mean, std = (torch.tensor(spec[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
    return (pixels - mean) / std


def pool(rows, query):
    a = (rows @ query / rows.shape[1] ** 0.5).softmax(0)
    return a @ rows, a


def logits(name):
    volume = load(name)
    lora = manifest["modules"]["lora"]
    pooled, first = [], None
    for v, view in enumerate(manifest["input"]["views"]):
        prefix = f"views.{v}.lora."
        tensors = {k[len(prefix):]: t for k, t in own.items() if k.startswith(prefix)}
        used = {"scale": lora["alpha"] / lora["rank"], "tensors": tensors} if lora else None
        cls = forward(spec, base, view_pixels(volume, view), used)[0][:, 0]
        embedding, a = pool(cls, own.get(f"views.{v}.pool.query", torch.zeros(cls.shape[1])))
        pooled.append(embedding)
        first = a if v == 0 else first
    fused = torch.cat(pooled)
    if manifest["modules"]["fusion"] == "attention":
        fused = pool(torch.stack(pooled), own["fusion.query"])[0]
    out = own["head.weight"] @ fused + own["head.bias"]
    return {"logits": [round(x, 5) for x in out.tolist()], "sliceWeights": [round(x, 5) for x in first.tolist()]}


with torch.no_grad():
    print(json.dumps({name.split("/")[-1]: logits(name) for name in sys.argv[3:]}, indent=1))
