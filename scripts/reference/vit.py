"""A vision transformer with unmerged LoRA in plain PyTorch, driven by a backbone's spec: the source of stored answers.

Independent of the TypeScript code: it shares only the tensor names. Checked against the tokens that
transformers 5.24 gave for the tiny families before it answers anything (see answers.py).
"""
import math

import torch
import torch.nn.functional as F


def positions(spec, tensors, rows, columns):
    table = tensors["position"]
    gh, gw = spec["position"]["grid"]
    grid = table[1:].reshape(1, gh, gw, -1).permute(0, 3, 1, 2)
    if (gh, gw) != (rows, columns):
        grid = F.interpolate(grid, size=(rows, columns), mode="bicubic", align_corners=False,
                             antialias=spec["position"]["antialias"])
    return table[0], grid.permute(0, 2, 3, 1).reshape(rows * columns, -1)


def rope(spec, rows, columns):
    size = spec["width"] // spec["heads"]
    frequencies = 1 / spec["position"]["theta"] ** torch.arange(0, 1, 4 / size)
    y = (torch.arange(rows) + 0.5) / rows
    x = (torch.arange(columns) + 0.5) / columns
    centres = 2 * torch.stack(torch.meshgrid(y, x, indexing="ij"), -1).reshape(-1, 2) - 1
    angles = (2 * math.pi * centres[:, :, None] * frequencies).flatten(1).tile(2)
    return angles.cos(), angles.sin()


def turn(q, cos, sin, prefix):
    head, rest = q[..., :prefix, :], q[..., prefix:, :]
    a, b = rest.chunk(2, -1)
    return torch.cat([head, rest * cos + torch.cat([-b, a], -1) * sin], -2)


def linear(x, tensors, name, lora):
    y = F.linear(x, tensors[name + ".weight"], tensors[name + ".bias"])
    if lora and name + ".A" in lora["tensors"]:
        y = y + lora["scale"] * F.linear(F.linear(x, lora["tensors"][name + ".A"]), lora["tensors"][name + ".B"])
    return y


def forward(spec, tensors, pixels, lora=None, before_last=lambda x: x):
    """pixels [n, 3, H, W] → tokens [n, 1+R+P, D] after the final norm, CLS-to-patch attention [n, P] of the last block.

    before_last: gets the last block's input, [n, 1+R+P, D], and gives what the block shall run on.
    """
    n, _, height, width = pixels.shape
    p, D, heads = spec["patch"], spec["width"], spec["heads"]
    rows, columns = height // p, width // p
    patches = F.unfold(pixels, p, stride=p).transpose(1, 2)
    x = linear(patches, tensors, "patch", lora)
    cls = tensors["cls"]
    if spec["position"]["kind"] == "learned":
        first, rest = positions(spec, tensors, rows, columns)
        cls, x = cls + first, x + rest
    parts = [cls.expand(n, 1, D)]
    if spec["registers"]:
        parts.append(tensors["registers"].expand(n, -1, D))
    x = torch.cat(parts + [x], 1)
    prefix = 1 + spec["registers"]
    angles = rope(spec, rows, columns) if spec["position"]["kind"] == "rope" else None
    norm = lambda x, name: F.layer_norm(x, (D,), tensors[name + ".weight"], tensors[name + ".bias"], spec["normEps"])
    act = F.gelu if spec["mlp"]["activation"] == "gelu" else F.silu
    for i in range(spec["depth"]):
        b = f"blocks.{i}"
        if i == spec["depth"] - 1:
            x = before_last(x)
        qkv = linear(norm(x, b + ".norm1"), tensors, b + ".qkv", lora)
        q, k, v = qkv.reshape(n, -1, 3, heads, D // heads).permute(2, 0, 3, 1, 4)
        if angles:
            q, k = turn(q, *angles, prefix), turn(k, *angles, prefix)
        a = (q @ k.transpose(-1, -2) / math.sqrt(D // heads)).softmax(-1)
        y = linear((a @ v).transpose(1, 2).reshape(n, -1, D), tensors, b + ".proj", lora)
        x = x + (y * tensors[b + ".scale1"] if spec["layerScale"] else y)
        h = linear(norm(x, b + ".norm2"), tensors, b + ".fc1", None)
        if spec["mlp"]["kind"] == "gated":
            gate, up = h.chunk(2, -1)
            h = act(gate) * up
        else:
            h = act(h)
        y = linear(h, tensors, b + ".fc2", None)
        x = x + (y * tensors[b + ".scale2"] if spec["layerScale"] else y)
    return norm(x, "norm"), a[:, :, 0, prefix:].mean(1)
