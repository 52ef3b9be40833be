"""Stored answers for the creation self-test and the fixtures, from PyTorch.

usage: answers.py WORK   (WORK as reference-inputs.mjs wrote it; pip install torch==2.13.0 numpy safetensors)
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from vit import forward

work = Path(sys.argv[1])
made_by = f"PyTorch {torch.__version__.split('+')[0]}, float32, CPU"
answers = {}
for folder in sorted(p for p in work.iterdir() if p.is_dir()):
    case = json.loads((folder / "case.json").read_text())
    spec = case["spec"]
    tensors = load_file(folder / "backbone.safetensors")
    given = load_file(folder / "input.safetensors")
    lora = {"scale": 2.0, "tensors": {k[5:]: v for k, v in given.items() if k.startswith("lora.")}}
    with torch.no_grad():
        if (folder / "expected.safetensors").exists():
            expected = load_file(folder / "expected.safetensors")
            tokens, _ = forward(spec, tensors, expected["pixels"])
            error = (tokens - expected["tokens"]).abs().max().item()
            print(f"{folder.name}: {error:.2e} from the stored tokens")
            assert error < 2e-4
        plain = forward(spec, tensors, given["pixels"])[0][0, 0]
        adapted = forward(spec, tensors, given["pixels"], lora)[0][0, 0]
        answers[folder.name] = {
            "seed": case["seed"], "madeBy": made_by,
            "plain": [float(f"{v:.6g}") for v in plain.tolist()],
            "lora": [float(f"{v:.6g}") for v in adapted.tolist()],
        }
        if folder.name == "dinov2-small":
            pixels = torch.from_numpy(__import__("numpy").random.default_rng(56).standard_normal((2, 3, 56, 56))).float()
            adapter = load_file(folder / "adapter-lora.safetensors")
            fixture = {}
            for name, used in (("plain", None), ("lora", {"scale": 2.0, "tensors": adapter})):
                tokens, attention = forward(spec, tensors, pixels, used)
                fixture |= {f"{name}.pixels": pixels.clone(), f"{name}.tokens": tokens, f"{name}.clsAttention": attention}
            fixture |= {f"lora.params.{k}": v for k, v in adapter.items()}
            save_file({k: v.contiguous() for k, v in fixture.items()}, work / "dinov2-small-56.safetensors")
(work / "answers.json").write_text(json.dumps(answers))
