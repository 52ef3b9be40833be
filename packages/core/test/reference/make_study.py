"""Makes study.json with PyTorch: logits of a study whose views are concatenated, and the gradient of every input by autograd.

Two cases: views pooled by attention, views pooled by their mean. usage: python make_study.py   (torch 2.13)
"""
import json
from pathlib import Path

import torch

torch.manual_seed(13)
D, LABELS, SLICES = 5, 2, (4, 1, 3)


def rounded(*shape):
    return (torch.randn(*shape, dtype=torch.float64) * 1000).round() / 1000


def flat(tensor):
    return [float(f"{value:.9g}") for value in tensor.flatten().tolist()]


def case(attention):
    cls = [rounded(n, D).requires_grad_() for n in SLICES]
    queries = [rounded(D).requires_grad_() for _ in SLICES] if attention else []
    weight, bias, d_logits = rounded(LABELS, len(SLICES) * D).requires_grad_(), rounded(LABELS), rounded(LABELS)
    weights = [(h @ q / D**0.5).softmax(0) for h, q in zip(cls, queries)] if attention else [torch.full((n,), 1 / n).double() for n in SLICES]
    logits = torch.nn.functional.linear(torch.cat([a @ h for a, h in zip(weights, cls)]), weight, bias)
    gradients = torch.autograd.grad(logits @ d_logits, [*cls, *queries, weight])
    return {
        "cls": [flat(h) for h in cls], "queries": [flat(q) for q in queries], "head": flat(weight), "bias": flat(bias), "dLogits": flat(d_logits),
        "logits": flat(logits), "dCls": [flat(g) for g in gradients[:3]], "dQueries": [flat(g) for g in gradients[3:-1]], "dHead": flat(gradients[-1]),
    }


Path(__file__).with_name("study.json").write_text(json.dumps({"D": D, "labels": LABELS, "cases": [case(True), case(False)]}, separators=(",", ":")) + "\n")
