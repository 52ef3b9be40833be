"""Makes metrics.json: scikit-learn's values on seeded data with ties and imbalance, and numpy's bootstrap by group.

usage: python make_metrics.py     (pip install numpy scikit-learn)
"""
import json
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, average_precision_score, brier_score_loss, f1_score, roc_auc_score

cases = []
for seed, n, share, digits in ((1, 60, 0.5, 3), (2, 127, 0.1, 2), (3, 40, 0.3, 1), (4, 12, 0.9, 6)):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < share).astype(int)
    labels[:2] = [0, 1]
    scores = np.round(np.clip(rng.normal(0.35 + 0.25 * labels, 0.2), 0, 1), digits)
    groups = rng.integers(0, max(3, n // 2), n)
    unique = np.unique(groups)
    values = []
    for _ in range(5000):
        index = np.concatenate([np.flatnonzero(groups == g) for g in rng.choice(unique, len(unique))])
        if 0 < labels[index].sum() < len(index):
            values.append(roc_auc_score(labels[index], scores[index]))
    decisions = (scores >= 0.5).astype(int)
    cases.append({
        "labels": labels.tolist(), "scores": scores.tolist(), "groups": [f"p{g}" for g in groups],
        "auroc": roc_auc_score(labels, scores), "averagePrecision": average_precision_score(labels, scores),
        "f1": f1_score(labels, decisions), "accuracy": accuracy_score(labels, decisions), "brier": brier_score_loss(labels, scores),
        "aurocInterval": np.quantile(values, [0.025, 0.975]).tolist(),
    })
Path(__file__).with_name("metrics.json").write_text(json.dumps(cases))
