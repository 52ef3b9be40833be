"""PyTorch's side of encode.mjs: the same backbone without LoRA, fused attention, inference mode.

Reads lines "fp32 COUNT SIDE" or "bf16 COUNT SIDE" from stdin, answers each with the seconds one forward pass took.
usage: pytorch_encode.py BACKBONE.safetensors      (pip install torch==2.13.0 safetensors)
"""
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

torch.set_num_threads(2)
weights = {dtype: {k: v.to(dtype) for k, v in load_file(sys.argv[1]).items()} for dtype in (torch.float32, torch.bfloat16)}
D, HEADS, DEPTH = 384, 6, 12


@torch.inference_mode()
def forward(t, pixels):
    n = pixels.shape[0]
    side = pixels.shape[-1] // 14
    x = F.conv2d(pixels, t["patch.weight"].view(D, 3, 14, 14), t["patch.bias"], stride=14).flatten(2).transpose(1, 2)
    grid = t["position"][1:].float().view(1, 37, 37, D).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False).flatten(2).transpose(1, 2)
    cls = (t["cls"] + t["position"][0]).expand(n, 1, D)
    x = torch.cat([cls, x + grid.to(x.dtype)], 1)
    for i in range(DEPTH):
        b = f"blocks.{i}."
        h = F.layer_norm(x, (D,), t[b + "norm1.weight"], t[b + "norm1.bias"], 1e-6)
        q, k, v = F.linear(h, t[b + "qkv.weight"], t[b + "qkv.bias"]).view(n, -1, 3, HEADS, D // HEADS).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, -1, D)
        x = x + F.linear(a, t[b + "proj.weight"], t[b + "proj.bias"]) * t[b + "scale1"]
        h = F.layer_norm(x, (D,), t[b + "norm2.weight"], t[b + "norm2.bias"], 1e-6)
        h = F.linear(F.gelu(F.linear(h, t[b + "fc1.weight"], t[b + "fc1.bias"])), t[b + "fc2.weight"], t[b + "fc2.bias"])
        x = x + h * t[b + "scale2"]
    return F.layer_norm(x, (D,), t["norm.weight"], t["norm.bias"], 1e-6)[:, 0]


for line in sys.stdin:
    kind, count, side = line.split()
    dtype = torch.float32 if kind == "fp32" else torch.bfloat16
    pixels = torch.randn(int(count), 3, int(side), int(side)).to(dtype)
    start = time.perf_counter()
    forward(weights[dtype], pixels)
    print(time.perf_counter() - start, flush=True)
