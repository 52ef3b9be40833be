"""PyTorch's side of train-step.mjs: forward, autograd backward and AdamW update of LoRA (r 8) on the same backbone, float32.

Reads lines "COUNT SIDE LAST_BLOCKS" from stdin, answers each with the seconds one step took.
usage: pytorch_train.py BACKBONE.safetensors      (pip install torch==2.13.0 safetensors)
"""
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

torch.set_num_threads(2)
torch.manual_seed(0)
weights = {k: v.float() for k, v in load_file(sys.argv[1]).items()}
D, HEADS, DEPTH, R = 384, 6, 12, 8


def make_lora(last):
    maps = {"patch": (588, D)} if last == DEPTH else {}
    for i in range(DEPTH - last, DEPTH):
        maps |= {f"blocks.{i}.qkv": (D, 3 * D), f"blocks.{i}.proj": (D, D)}
    return {m: (torch.randn(R, i).mul(0.05).requires_grad_(), torch.randn(o, R).mul(0.05).requires_grad_()) for m, (i, o) in maps.items()}


def linear(x, name, lora):
    y = F.linear(x, weights[name + ".weight"], weights[name + ".bias"])
    return y + 2 * F.linear(F.linear(x, lora[name][0]), lora[name][1]) if name in lora else y


def forward(pixels, lora):
    n, side = pixels.shape[0], pixels.shape[-1] // 14
    x = linear(F.unfold(pixels, 14, stride=14).transpose(1, 2), "patch", lora)
    grid = weights["position"][1:].view(1, 37, 37, D).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False).flatten(2).transpose(1, 2)
    x = torch.cat([(weights["cls"] + weights["position"][0]).expand(n, 1, D), x + grid], 1)
    for i in range(DEPTH):
        b = f"blocks.{i}."
        h = F.layer_norm(x, (D,), weights[b + "norm1.weight"], weights[b + "norm1.bias"], 1e-6)
        q, k, v = linear(h, f"blocks.{i}.qkv", lora).view(n, -1, 3, HEADS, D // HEADS).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, -1, D)
        x = x + linear(a, f"blocks.{i}.proj", lora) * weights[b + "scale1"]
        h = F.layer_norm(x, (D,), weights[b + "norm2.weight"], weights[b + "norm2.bias"], 1e-6)
        x = x + F.linear(F.gelu(F.linear(h, weights[b + "fc1.weight"], weights[b + "fc1.bias"])), weights[b + "fc2.weight"], weights[b + "fc2.bias"]) * weights[b + "scale2"]
    return F.layer_norm(x, (D,), weights["norm.weight"], weights["norm.bias"], 1e-6)[:, 0]


ready = {}
for line in sys.stdin:
    count, side, last = map(int, line.split())
    if last not in ready:
        lora = make_lora(last)
        ready[last] = (lora, torch.optim.AdamW([p for pair in lora.values() for p in pair], lr=1e-4))
    lora, optimizer = ready[last]
    pixels, seed = torch.randn(count, 3, side, side), torch.randn(count, D)
    start = time.perf_counter()
    optimizer.zero_grad()
    (forward(pixels, lora) * seed).sum().backward()
    optimizer.step()
    print(time.perf_counter() - start, flush=True)
