"""The tiny families' fixture token-gradient.safetensors, from PyTorch in float64: what Grad-CAM is made of.

dCls [2, D] seeded; tokens [2, P, D] the last block's input tokens of the patches; gradient [2, P, D] of sum(dCls * cls)
with respect to them, cls being the CLS token after the final LayerNorm. No LoRA.

usage: token_gradient.py WORK   (WORK as inputs.mjs wrote it; pip install torch==2.13.0 numpy safetensors)
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from vit import forward

fixtures = Path(__file__).parents[2] / "packages/core/fixtures"
for folder in sorted(Path(sys.argv[1]).glob("tiny-*")):
    spec = json.loads((folder / "case.json").read_text())["spec"]
    expected = load_file(folder / "expected.safetensors")
    tensors = {name: value.double() for name, value in load_file(folder / "backbone.safetensors").items()}
    seen = []

    def before_last(x):
        seen.append(x.detach().requires_grad_())
        return seen[0]

    tokens, _ = forward(spec, tensors, expected["pixels"].double(), before_last=before_last)
    error = (tokens - expected["tokens"]).abs().max().item()
    print(f"{folder.name}: {error:.2e} from the stored tokens")
    assert error < 2e-4
    d_cls = torch.from_numpy(np.random.default_rng(7).standard_normal((len(tokens), spec["width"]))).float()
    (tokens[:, 0] * d_cls).sum().backward()
    prefix = 1 + spec["registers"]
    save_file(
        {
            "dCls": d_cls,
            "tokens": seen[0].detach()[:, prefix:].float().contiguous(),
            "gradient": seen[0].grad[:, prefix:].float().contiguous(),
        },
        fixtures / folder.name / "token-gradient.safetensors",
    )
