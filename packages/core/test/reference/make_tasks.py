"""Makes tasks.json: ordinal probabilities, decisions and gradients, and conformal sets and intervals, by programs that are not ours.

Probabilities: statsmodels' OrderedModel (logit). Decision: the rank of least expected absolute error, by trying all. Gradients: JAX, float64, of
-log P(class) through attention pooling and the cumulative head. Tails: mpmath, 60 digits. Quantiles, sets and intervals: MAPIE (LAC) and crepes.
usage: python make_tasks.py   (pip install numpy jax statsmodels mpmath mapie==1.6.0 crepes==0.9.1 scikit-learn)
"""
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
from crepes import ConformalRegressor
from mapie.classification import SplitConformalClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from statsmodels.miscmodels.ordinal_model import OrderedModel

jax.config.update("jax_enable_x64", True)
random = np.random.default_rng(23)
K, D = 5, 6


def flat(values):
    return [float(f"{value:.9g}") for value in np.asarray(values, dtype=float).ravel()]


def ordered_probabilities(bias, score):
    """P(class) for P(class > k) = sigmoid(score + bias[k]); statsmodels has P(class <= k) = sigmoid(cut[k] - score)."""
    model = OrderedModel(np.arange(K).repeat(2), np.ones((2 * K, 1)) * np.arange(2 * K)[:, None], distr="logit")
    cuts = -np.asarray(bias)
    params = np.concatenate([[1.0], [cuts[0]], np.log(np.diff(cuts))])
    return model.predict(params, exog=np.array([[score]]))[0]


def ordinal_case():
    bias = -np.sort(random.normal(0, 2, K - 1))
    score = random.normal(0, 2)
    p = ordered_probabilities(bias, score)
    errors = [(p * np.abs(np.arange(K) - k)).sum() for k in range(K)]
    values = np.array([1, 2, 3, 4.5, 7])
    return {"logits": flat(bias + score), "probabilities": flat(p), "decision": int(np.argmin(errors)), "value": float(p @ values)}


def tail(a, b):
    mpmath.mp.dps = 60
    s = lambda x: 1 / (1 + mpmath.exp(-x))
    return {"logits": [a, b], "probabilities": flat([s(-mpmath.mpf(a)), s(a) - s(b), s(b)])}


def gradient_case(truth):
    cls, query, weight = random.normal(size=(4, D)).round(3), random.normal(size=D).round(3), random.normal(size=(1, D)).round(3)
    bias = (-np.sort(random.normal(0, 1.5, K - 1))).round(3)

    def logits(cls, query, weight, bias):
        return (weight @ (jax.nn.softmax(cls @ query / np.sqrt(D)) @ cls))[0] + bias

    def loss_of(z):
        above = jnp.concatenate([jnp.ones(1), jax.nn.sigmoid(z), jnp.zeros(1)])
        return -jnp.log(above[truth] - above[truth + 1])

    inputs = (cls, query, weight, bias)
    z = logits(*inputs)
    grads = jax.grad(lambda *x: loss_of(logits(*x)), argnums=(0, 1, 2, 3))(*inputs)
    return {
        "truth": truth, "cls": flat(cls), "query": flat(query), "weight": flat(weight), "bias": flat(bias), "logits": flat(z), "loss": float(loss_of(z)),
        "dLogits": flat(jax.grad(loss_of)(z)), "dCls": flat(grads[0]), "dQuery": flat(grads[1]), "dWeight": flat(grads[2]), "dBias": flat(grads[3]),
    }


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are its inputs."""

    def __init__(self, classes=3):
        self.classes, self.classes_, self.fitted_ = classes, np.arange(classes), True

    def fit(self, x, y):
        return self

    def predict_proba(self, x):
        return x

    def predict(self, x):
        return x.argmax(1)

    def __sklearn_is_fitted__(self):
        return True


def class_sets(classes, n, coverage):
    draw = lambda count: random.dirichlet(np.full(classes, 0.9), count)
    calibration, fresh = draw(n), draw(12)
    truth = np.array([random.choice(classes, p=p) for p in calibration])
    mapie = SplitConformalClassifier(Given(classes), confidence_level=coverage, conformity_score="lac", prefit=True)
    mapie.conformalize(calibration, truth)
    _, sets = mapie.predict_set(fresh)
    return {
        "coverage": coverage, "calibration": [flat(p) for p in calibration], "truth": truth.tolist(), "fresh": [flat(p) for p in fresh],
        "sets": [np.flatnonzero(row[:, 0]).tolist() for row in sets],
    }


def intervals(n, coverage):
    errors, values = random.normal(0, 3, n), random.normal(12, 4, 5)
    regressor = ConformalRegressor()
    regressor.fit(errors)
    return {"coverage": coverage, "errors": flat(errors), "values": flat(values), "intervals": [flat(row) for row in regressor.predict_int(values, confidence=coverage)]}


out = {
    "ordinal": [ordinal_case() for _ in range(12)],
    "tails": [tail(-40, -41), tail(30, 29.5), tail(8, 8)],
    "gradients": [gradient_case(truth) for truth in (0, 2, 4)],
    "classes": [class_sets(3, 50, 0.9), class_sets(4, 37, 0.8), class_sets(2, 19, 0.9)],
    "values": [intervals(60, 0.9), intervals(22, 0.9), intervals(33, 0.8)],
}
Path(__file__).with_name("tasks.json").write_text(json.dumps(out))
