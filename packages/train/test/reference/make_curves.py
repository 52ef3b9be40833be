"""Makes curves.json: scikit-learn's ROC curve, reliability bins and confusion matrices on the data of metrics.json and on three classes.

usage: python make_curves.py     (pip install numpy scikit-learn; after make_metrics.py)
"""
import json
from pathlib import Path

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, roc_curve

here = Path(__file__).parent
sets = []
for case in json.loads((here / "metrics.json").read_text()):
    labels, scores = np.array(case["labels"]), np.array(case["scores"])
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    observed, predicted = calibration_curve(labels, scores, n_bins=5, strategy="quantile")
    tn, fp, fn, tp = confusion_matrix(labels, scores >= 0.4).ravel()
    sets.append({"fpr": fpr.tolist(), "tpr": tpr.tolist(), "observed": observed.tolist(), "predicted": predicted.tolist(),
                 "confusion": [int(tp), int(fp), int(fn), int(tn)]})
rng = np.random.default_rng(5)
classes = rng.integers(0, 3, 30)
probabilities = np.round(rng.dirichlet([1, 1, 1], 30), 3)
matrix = confusion_matrix(classes, probabilities.argmax(1), labels=[0, 1, 2])
(here / "curves.json").write_text(json.dumps({"sets": sets, "classes": classes.tolist(), "probabilities": probabilities.tolist(), "matrix": matrix.tolist()}))
