"""Makes gradcam.json: Grad-CAM of one logit by PyTorch on the tiny DINOv2, attention pooling over its two slices, seeded query and head.

usage: python make_gradcam.py WORK   (WORK as scripts/reference/inputs.mjs wrote it; pip install torch==2.13.0 numpy safetensors)
"""
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).parents[4] / "scripts/reference"))
from vit import forward  # noqa: E402

folder = Path(sys.argv[1]) / "tiny-dinov2"
spec = json.loads((folder / "case.json").read_text())["spec"]
tensors = {name: value.double() for name, value in load_file(folder / "backbone.safetensors").items()}
pixels = load_file(folder / "expected.safetensors")["pixels"].double()
random = np.random.default_rng(11)
D = spec["width"]
query, head = (torch.from_numpy(random.standard_normal(n)) for n in (D, (2, D)))
seen = []


def before_last(x):
    seen.append(x.detach().requires_grad_())
    return seen[0]


cls = forward(spec, tensors, pixels, before_last=before_last)[0][:, 0]
pooled = torch.softmax(cls @ query / math.sqrt(D), 0) @ cls
maps = []
for label in range(2):
    (gradient,) = torch.autograd.grad(pooled @ head[label], seen[0], retain_graph=True)
    prefix = 1 + spec["registers"]
    weights = gradient[:, prefix:].mean(1, keepdim=True)
    maps.append(torch.relu((weights * seen[0].detach()[:, prefix:]).sum(-1)).flatten().tolist())
Path(__file__).with_name("gradcam.json").write_text(json.dumps({"query": query.tolist(), "head": head.flatten().tolist(), "maps": maps}))
print([max(m) for m in maps])
