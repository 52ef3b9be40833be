"""Makes tasks.json: losses and gradients of ordered classes and of values (jax, checked against statsmodels), their metrics
(scikit-learn, scipy), temperatures (scipy) and conformal quantiles (numpy).

usage: python make_tasks.py     (pip install numpy scipy scikit-learn statsmodels jax)
"""
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import spearmanr
from sklearn.metrics import accuracy_score, cohen_kappa_score, mean_absolute_error, r2_score
from statsmodels.miscmodels.ordinal_model import OrderedModel

jax.config.update("jax_enable_x64", True)
out = {}


def class_probabilities(logits):
    """P(class) of logits of P(class > k), which do not rise with k."""
    above = jnp.concatenate([jnp.ones(1), jax.nn.sigmoid(logits), jnp.zeros(1)])
    return above[:-1] - above[1:]


def ordinal_loss(logits, truth):
    return -jnp.log(class_probabilities(logits)[truth])


cases = []
for logits in ([2.0, 0.5, -0.25, -3.0], [1.2, 1.1, 1.0, -6.0], [0.3], [9.0, -9.0]):
    z = jnp.array(logits)
    for truth in range(len(logits) + 1):
        cases.append({"logits": logits, "truth": truth, "loss": float(ordinal_loss(z, truth)), "gradient": jax.grad(ordinal_loss)(z, truth).tolist()})
out["ordinalLoss"] = cases

# The same likelihood by statsmodels: its cut points c and score x·β give P(y <= k) = σ(c_k - x·β), so our logit k is x·β - c_k.
x = np.array([[-0.7], [0.1], [0.4], [1.9], [-1.1]])
y = np.array([0, 1, 2, 2, 0])
model = OrderedModel(y, x, distr="logit")
cuts = np.array([-0.4, 0.9])
parameters = np.concatenate([[1.3], [cuts[0]], np.log(np.diff(cuts))])
out["ordinalByStatsmodels"] = {
    "cases": [{"logits": (1.3 * row[0] - cuts).tolist(), "truth": int(truth)} for row, truth in zip(x, y)],
    "loss": float(-model.loglike(parameters)),
}


def huber(z, t):
    d = jnp.abs(z - t)
    return jnp.where(d <= 1, 0.5 * d * d, d - 0.5)


pairs = [(0.3, 0.1), (-2.0, 1.5), (4.0, 0.2), (0.0, 1.0)]
out["valueLoss"] = [
    {
        "z": z, "target": t, "huber": float(huber(z, t)), "huberGradient": float(jax.grad(huber)(z, t)),
        "squared": 0.5 * (z - t) ** 2, "squaredGradient": z - t,
    }
    for z, t in pairs
]

out["ordinal"] = []
for seed, n, classes in ((1, 60, 5), (2, 127, 3), (3, 30, 2)):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    found = np.clip(truth + rng.integers(-2, 3, n) // 2, 0, classes - 1)
    out["ordinal"].append({
        "classes": classes, "truth": truth.tolist(), "found": found.tolist(), "groups": [f"p{g}" for g in rng.integers(0, n // 2, n)],
        "quadraticKappa": cohen_kappa_score(truth, found, weights="quadratic"), "meanAbsoluteError": mean_absolute_error(truth, found),
        "accuracy": accuracy_score(truth, found),
    })

out["values"] = []
for seed, n, digits in ((4, 40, 3), (5, 127, 0), (6, 12, 1)):
    rng = np.random.default_rng(seed)
    truth = np.round(rng.gamma(4, 3, n), digits)
    found = np.round(0.7 * truth + 3 + rng.normal(0, 2, n), digits)
    out["values"].append({
        "truth": truth.tolist(), "found": found.tolist(), "meanAbsoluteError": mean_absolute_error(truth, found),
        "r2": r2_score(truth, found), "spearman": float(spearmanr(truth, found).statistic),
    })

# Temperature of cumulative logits: the T that minimises the mean negative log-likelihood of logits / T.
rng = np.random.default_rng(8)
logits = np.sort(rng.normal(0, 3, (50, 3)))[:, ::-1]
truth = rng.integers(0, 4, 50)
nll = jax.jit(lambda t: jnp.sum(jax.vmap(ordinal_loss)(jnp.array(logits) / t, jnp.array(truth))))
best = minimize_scalar(lambda log_t: float(nll(np.exp(log_t))), bounds=(np.log(0.05), np.log(20)), method="bounded", options={"xatol": 1e-9})
out["ordinalTemperature"] = {"logits": logits.tolist(), "truth": truth.tolist(), "temperature": float(np.exp(best.x))}

# Normalisation by the training set: mean and population standard deviation.
values = np.array([4.1, 9.7, 12.2, 5.0, 30.4])
out["normalisation"] = {"values": values.tolist(), "mean": values.mean(), "sd": values.std()}

# Size baseline: least squares of a value on a scalar.
scalar = np.array([1.0, 2.5, 3.0, 7.0, 9.5])
slope, intercept = np.polyfit(scalar, values, 1)
out["linearFit"] = {"scalar": scalar.tolist(), "slope": slope, "intercept": intercept}

# Conformal: numpy's quantile of rank ceil((n + 1) * 0.9), and the coverage that this gives on cases like those of the calibration.
out["conformal"] = []
for n in (9, 10, 19, 64):
    scores = np.random.default_rng(n).exponential(1, n)
    level = np.ceil((n + 1) * 0.9) / n
    out["conformal"].append({"scores": scores.tolist(), "quantile": float(np.quantile(scores, level, method="inverted_cdf")) if level <= 1 else None})

Path(__file__).with_name("tasks.json").write_text(json.dumps(out))
