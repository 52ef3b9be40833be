"""Makes peft/: adapters as PEFT writes them, on the tiny backbones of packages/core/fixtures, and what the adapted model answers.

Each case is a folder with adapter_config.json and adapter_model.safetensors; peft/expected.safetensors holds CASE.cls [n, D], the CLS
embeddings after the final LayerNorm of the backbone's fixture pixels. A and B are random, so that every module counts.

Run: python make_peft.py        (made with torch 2.13, peft 0.21.2, transformers 5.24; cases of their naming are written)
     the same with transformers 4.57.1 first on PYTHONPATH adds the cases whose modules it names otherwise
"""
import json
import pathlib
import shutil

import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModel

here = pathlib.Path(__file__).parent
fixtures = here / "../../../core/fixtures"
out = here / "peft"
SPLIT = ["q_proj", "k_proj", "v_proj", "o_proj"]
OLD = ["query", "key", "value", "attention.output.dense"]


class FusedAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class FusedBlock(nn.Module):
    def __init__(self, source, width, heads):
        super().__init__()
        self.source, self.attn = source, FusedAttention(width, heads)
        for part in ("weight", "bias"):
            thirds = [getattr(getattr(source.attention, name), part).data for name in ("q_proj", "k_proj", "v_proj")]
            getattr(self.attn.qkv, part).data = torch.cat(thirds)
            getattr(self.attn.proj, part).data = getattr(source.attention.o_proj, part).data

    def forward(self, x):
        s = self.source
        x = x + s.layer_scale1(self.attn(s.norm1(x)))
        return x + s.layer_scale2(s.mlp(s.norm2(x)))


class Fused(nn.Module):
    """A DINOv2 of transformers 5 with timm's module names: patch_embed.proj, blocks.N.attn.qkv, blocks.N.attn.proj."""

    def __init__(self, model):
        super().__init__()
        self.patch_embed = nn.Module()
        self.patch_embed.proj = model.embeddings.patch_embeddings.projection
        model.embeddings.patch_embeddings.projection = nn.Identity()
        self.embeddings, self.norm = model.embeddings, model.layernorm
        config = model.config
        self.blocks = nn.ModuleList(FusedBlock(layer, config.hidden_size, config.num_attention_heads) for layer in model.encoder.layer)

    def forward(self, pixel_values):
        x = self.patch_embed.proj(pixel_values).flatten(2).transpose(1, 2)
        e = self.embeddings
        x = torch.cat([e.cls_token.expand(len(x), -1, -1), x], 1)
        x = x + e.interpolate_pos_encoding(x, *pixel_values.shape[-2:])
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class Wrapped(nn.Module):
    """A backbone inside a task's own module, whose head PEFT saves whole."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone, self.head = backbone, nn.Linear(backbone.config.hidden_size, 2)

    def forward(self, pixel_values):
        return self.backbone(pixel_values=pixel_values)


NEW_CASES = {
    # name: (backbone, module around it, config)
    "rslora-query-value": ("tiny-dinov2", None, dict(r=3, lora_alpha=6, use_rslora=True, target_modules=["q_proj", "v_proj"])),
    "patterns-all": (
        "tiny-dinov2-registers",
        None,
        dict(
            r=2,
            lora_alpha=3,
            target_modules=["projection", *SPLIT],
            rank_pattern={"projection": 4, "v_proj": 1, r"layer\.1\.attention\.o_proj": 5},
            alpha_pattern={"q_proj": 7, "projection": 1},
        ),
    ),
    "patterns-rslora": (
        "tiny-dinov2",
        None,
        dict(r=4, lora_alpha=4, use_rslora=True, target_modules=SPLIT, rank_pattern={"k_proj": 2}, alpha_pattern={"o_proj": 1}),
    ),
    "dinov3": ("tiny-dinov3", None, dict(r=2, lora_alpha=4, target_modules=["patch_embeddings", *SPLIT])),
    "vit": ("tiny-vit", None, dict(r=2, lora_alpha=4, target_modules=["projection", *SPLIT])),
    "last-layer": ("tiny-dinov2", None, dict(r=2, lora_alpha=4, target_modules=SPLIT, layers_to_transform=[1])),
    "first-layer": ("tiny-dinov2", None, dict(r=2, lora_alpha=4, target_modules=["k_proj"], layers_to_transform=0, layers_pattern="layer")),
    "regex-exclude": ("tiny-dinov2", None, dict(r=2, lora_alpha=4, target_modules=r".*\.(q|o)_proj", exclude_modules=["layer.0.attention.o_proj"])),
    "patch-only": ("tiny-dinov2-swiglu", None, dict(r=3, lora_alpha=5, target_modules=["projection"])),
    "fused": ("tiny-dinov2", Fused, dict(r=2, lora_alpha=4, target_modules=["patch_embed.proj", "qkv", "attn.proj"])),
    "fused-rslora": ("tiny-dinov2", Fused, dict(r=4, lora_alpha=4, use_rslora=True, target_modules=["qkv"])),
    "wrapped-head": ("tiny-dinov2", Wrapped, dict(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], modules_to_save=["head"])),
}

OLD_CASES = {
    "old-dinov2": ("tiny-dinov2", None, dict(r=2, lora_alpha=4, target_modules=["projection", *OLD])),
    "old-vit": ("tiny-vit", None, dict(r=2, lora_alpha=4, use_rslora=True, target_modules=["query", "value"])),
    "old-dinov3": ("tiny-dinov3-gated", None, dict(r=2, lora_alpha=4, target_modules=["patch_embeddings", *SPLIT])),
}


@torch.no_grad()
def make(name, backbone, around, options):
    torch.manual_seed(sum(name.encode()))
    model = AutoModel.from_pretrained(fixtures / backbone).eval()
    model = around(model) if around else model
    adapted = get_peft_model(model, LoraConfig(**options)).eval()
    for key, parameter in adapted.named_parameters():
        if ".lora_" in key:
            parameter.copy_(torch.randn_like(parameter) * 0.15)
    answer = adapted(load_file(fixtures / backbone / "expected.safetensors")["pixels"])
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink()
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = backbone
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    tokens = answer if torch.is_tensor(answer) else answer.last_hidden_state
    return tokens[:, 0].contiguous()


if __name__ == "__main__":
    old = transformers.__version__.startswith("4.")
    expected = load_file(out / "expected.safetensors") if (out / "expected.safetensors").exists() else {}
    for name, case in (OLD_CASES if old else NEW_CASES).items():
        expected[f"{name}.cls"] = make(name, *case)
    save_file(expected, out / "expected.safetensors")
