"""Runs the example of docs/import-from-python.md, as it stands there, on a tiny backbone and made volumes; keeps what it saved in example/.

Run: python make_example.py   (made with torch 2.13, peft 0.21.2, transformers 5.24)
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

here = pathlib.Path(__file__).parent
root = here / "../../../.."
text = (root / "docs/import-from-python.md").read_text()
code = next(block for block in re.findall(r"```python\n(.*?)```", text, re.S) if "save_pretrained" in block)

rng = np.random.default_rng(5)
level = rng.integers(40, 200, (8, 1, 1, 1))
images = np.clip(level + rng.normal(0, 30, (8, 2, 32, 32)), 0, 255).astype(np.uint8)
labels = np.concatenate([level > 120, level <= 120], axis=1)[:, :, 0, 0].astype(np.uint8)

out = here / "example"
shutil.rmtree(out, ignore_errors=True)
out.mkdir()
with tempfile.TemporaryDirectory() as folder:
    data, script = pathlib.Path(folder, "data.npz"), pathlib.Path(folder, "example.py")
    np.savez(data, train_images=images, train_labels=labels)
    script.write_text(code)
    subprocess.run([sys.executable, script, "packages/core/fixtures/tiny-dinov2", data, out.resolve()], check=True, cwd=root)
(out / "lora/README.md").unlink()
for file in out.rglob("*"):
    file.chmod(0o755 if file.is_dir() else 0o644)
