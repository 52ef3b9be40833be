"""Makes losses.json: PyTorch's losses and gradients, AdamW steps, and the mask decoder's gradients.

usage: python make_losses.py     (pip install torch==2.13.0)
"""
import json
from pathlib import Path

import torch
import torch.nn.functional as F

torch.manual_seed(7)
out = {}

# binary and focal, with positive weights
logits = torch.tensor([[0.3, -1.2, 2.5, 0.0]], dtype=torch.float64, requires_grad=True)
target = torch.tensor([[1.0, 0.0, 0.0, 1.0]], dtype=torch.float64)
weights = torch.tensor([1.5, 2.0, 0.5, 3.0], dtype=torch.float64)
bce = F.binary_cross_entropy_with_logits(logits, target, pos_weight=weights, reduction="sum")
out["bce"] = {"loss": bce.item(), "gradient": torch.autograd.grad(bce, logits)[0][0].tolist()}
p = torch.sigmoid(logits)
pt = torch.where(target > 0, p, 1 - p)
alpha = torch.where(target > 0, 0.25, 0.75)
focal = (alpha * (1 - pt) ** 2 * F.binary_cross_entropy_with_logits(logits, target, reduction="none")).sum()
out["focal"] = {"loss": focal.item(), "gradient": torch.autograd.grad(focal, logits)[0][0].tolist()}
out["inputs"] = {"logits": logits[0].tolist(), "target": target[0].tolist(), "weights": weights.tolist()}

classes = torch.tensor([[0.3, -1.2, 2.5]], dtype=torch.float64, requires_grad=True)
ce = F.cross_entropy(classes, torch.tensor([1]), weight=torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64), reduction="sum")
out["crossEntropy"] = {"loss": ce.item(), "gradient": torch.autograd.grad(ce, classes)[0][0].tolist()}

mask = torch.tensor([0.0, 1.0, 0.5, 0.0, 1.0, 0.25], dtype=torch.float64)
z = torch.tensor([-2.0, 1.0, 0.3, 0.1, -0.7, 3.0], dtype=torch.float64, requires_grad=True)
q = torch.sigmoid(z)
dice = 1 - (2 * (q * mask).sum() + 1) / (q.sum() + mask.sum() + 1)
both = dice + F.binary_cross_entropy_with_logits(z, mask)
out["mask"] = {"logits": z.tolist(), "mask": mask.tolist(), "loss": both.item(), "gradient": torch.autograd.grad(both, z)[0].tolist()}

# five AdamW steps on two groups
lora, head = torch.tensor([0.5, -0.3, 0.1], requires_grad=True), torch.tensor([1.0, -2.0], requires_grad=True)
opt = torch.optim.AdamW([{"params": [lora], "lr": 1e-4, "weight_decay": 1e-5}, {"params": [head], "lr": 1e-3, "weight_decay": 1e-4}])
gradients = []
for step in range(5):
    g = torch.randn(5)
    gradients.append(g.tolist())
    lora.grad, head.grad = g[:3].clone(), g[3:].clone()
    opt.step()
out["adamW"] = {"gradients": gradients, "lora": lora.tolist(), "head": head.tolist()}

# decoder on 3 tokens of width 5, hidden 4
x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
params = [torch.randn(4, 5, dtype=torch.float64), torch.randn(4, dtype=torch.float64), torch.randn(16, 4, dtype=torch.float64), torch.randn(16, dtype=torch.float64)]
for each in params:
    each.requires_grad_()
y = F.linear(F.relu(F.linear(x, params[0], params[1])), params[2], params[3])
seed = torch.randn(3, 16, dtype=torch.float64)
grads = torch.autograd.grad((y * seed).sum(), [x, *params])
flat = lambda t: t.detach().flatten().tolist()
out["decoder"] = {"tokens": flat(x), "parameters": [flat(t) for t in params], "logits": flat(y), "seed": flat(seed), "gradients": [flat(g) for g in grads]}

Path(__file__).with_name("losses.json").write_text(json.dumps(out))
