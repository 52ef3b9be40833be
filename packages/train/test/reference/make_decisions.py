"""Makes decisions.json: scikit-learn's figures of decisions, by the rule of each kind of task.

usage: python make_decisions.py     (pip install numpy scikit-learn)

multiclass: 3 classes, 33 cases, the class with the largest probability is decided for. binary: probability >= threshold, one case exactly at it. ordinal:
the median class. Probabilities in double precision from the logits that the file holds.
"""
import json
from pathlib import Path

import numpy as np
from sklearn.metrics import (accuracy_score, average_precision_score, brier_score_loss, cohen_kappa_score, confusion_matrix, f1_score, precision_score,
                             recall_score, roc_auc_score)

here = Path(__file__).parent
rng = np.random.default_rng(86)


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


classes = rng.integers(0, 3, 33)
logits = np.round(rng.normal(0, 1, (33, 3)) + 0.9 * np.eye(3)[classes], 3).astype(np.float32)
logits[4] = [0.5, 0.5, -1]  # equal largest ones: the first is decided for
probabilities = softmax(logits.astype(float))
found = probabilities.argmax(1)
multiclass = {
    "logits": logits.tolist(), "classes": classes.tolist(), "groups": [f"p{i // 2}" for i in range(33)],
    "topOneAccuracy": accuracy_score(classes, found), "macroF1": f1_score(classes, found, average="macro"),
    "confusion": confusion_matrix(classes, found).tolist(),
    "meanAuroc": roc_auc_score(classes, probabilities, multi_class="ovr", average="macro"),
    "labels": [{
        "auroc": roc_auc_score(classes == k, probabilities[:, k]), "averagePrecision": average_precision_score(classes == k, probabilities[:, k]),
        "sensitivity": recall_score(classes == k, found == k), "ppv": precision_score(classes == k, found == k), "f1": f1_score(classes == k, found == k),
        "accuracy": accuracy_score(classes == k, found == k), "brier": brier_score_loss(classes == k, probabilities[:, k]),
        "f1AtHalf": f1_score(classes == k, probabilities[:, k] >= 0.5),
    } for k in range(3)],
}

truth = rng.integers(0, 2, 40)
z = np.round(rng.normal(0, 1.2, 40) + 1.1 * truth, 3).astype(np.float32)
z[7] = 0  # probability .5 exactly
p = 1 / (1 + np.exp(-z.astype(float)))
binary = {"logits": z.tolist(), "truth": truth.tolist(), "thresholds": []}
for threshold in (0.5, 0.3):
    called = p >= threshold
    binary["thresholds"].append({
        "threshold": threshold, "sensitivity": recall_score(truth, called), "specificity": recall_score(1 - truth, ~called),
        "f1": f1_score(truth, called), "accuracy": accuracy_score(truth, called), "auroc": roc_auc_score(truth, p),
        "averagePrecision": average_precision_score(truth, p), "brier": brier_score_loss(truth, p),
    })

grade = rng.integers(0, 4, 30)
score = np.round(1.3 * (grade - 1.5) + rng.normal(0, 1, 30), 3)
boundaries = np.round((score[:, None] - np.array([-1.5, 0.0, 1.5])), 3).astype(np.float32)
above = 1 / (1 + np.exp(-boundaries.astype(float)))
median = (above >= 0.5).sum(1)
mode = np.stack([1 - above[:, 0], above[:, 0] - above[:, 1], above[:, 1] - above[:, 2], above[:, 2]], 1).argmax(1)
ordinal = {
    "logits": boundaries.tolist(), "classes": grade.tolist(), "confusion": confusion_matrix(grade, median).tolist(),
    "quadraticKappa": cohen_kappa_score(grade, median, weights="quadratic"), "accuracy": accuracy_score(grade, median),
    "accuracyOfMostProbable": accuracy_score(grade, mode),
}
(here / "decisions.json").write_text(json.dumps({"multiclass": multiclass, "binary": binary, "ordinal": ordinal}))
print(multiclass["topOneAccuracy"], [(each["f1"], each["f1AtHalf"]) for each in multiclass["labels"]], ordinal["accuracy"], ordinal["accuracyOfMostProbable"])
