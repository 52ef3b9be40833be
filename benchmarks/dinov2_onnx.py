"""DINOv2 as transformers.js users run it, for browser.mjs: the Hugging Face model exported to ONNX, opset 17, dynamic batch and size.

Writes OUT/config.json, OUT/preprocessor_config.json and OUT/onnx/model.onnx.
usage: dinov2_onnx.py FOLDER_OF_dinov2-small OUT      (pip install torch==2.13.0 transformers==5.24.0 onnx==1.23.2 safetensors)
"""
import json
import shutil
import sys
from pathlib import Path

import torch
from transformers import Dinov2Model

source, out = Path(sys.argv[1]), Path(sys.argv[2])
(out / "onnx").mkdir(parents=True, exist_ok=True)
model = Dinov2Model.from_pretrained(source, attn_implementation="eager").eval()


class Hidden(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values).last_hidden_state


torch.onnx.export(
    Hidden(),
    (torch.randn(2, 3, 224, 224),),
    out / "onnx/model.onnx",
    input_names=["pixel_values"],
    output_names=["last_hidden_state"],
    dynamic_axes={"pixel_values": {0: "batch"}, "last_hidden_state": {0: "batch"}},
    opset_version=17,
    dynamo=False,
)
shutil.copy(source / "config.json", out / "config.json")
processor = {"image_processor_type": "BitImageProcessor", "do_resize": False, "do_center_crop": False, "do_rescale": True, "rescale_factor": 1 / 255,
             "do_normalize": True, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
(out / "preprocessor_config.json").write_text(json.dumps(processor))
