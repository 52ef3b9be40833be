"""Makes augment.json: hashes by scikit-learn; geometry and blur by scipy.ndimage, values by numpy, of small stacks of slices.

Run: python make_augment.py   (made with numpy 2, scipy 1.17, scikit-learn 1.9)
"""
import json
import pathlib

import numpy as np
from scipy import ndimage
from sklearn.utils import murmurhash3_32

rng = np.random.default_rng(3)
PAD = -7.5


def short(array):
    return [float(f"{float(v):.8g}") for v in np.asarray(array).ravel()]


def geometry(stack, outside, flip_rows=False, flip_columns=False, degrees=0.0, zoom=1.0, shift=(0.0, 0.0)):
    """The forward map as a product of homogeneous matrices on (row, column), inverted by numpy, sampled by scipy."""
    _, height, width = stack.shape

    def translate(r, c):
        return np.array([[1, 0, r], [0, 1, c], [0, 0, 1.0]])

    flip = np.diag([-1.0 if flip_rows else 1.0, -1.0 if flip_columns else 1.0, 1.0])
    angle = np.deg2rad(degrees)
    # rows point down: counter-clockwise as displayed takes "right" (0, 1) to (-sin, cos)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    grow = np.diag([zoom, zoom, 1.0])
    centre = ((height - 1) / 2, (width - 1) / 2)
    forward = translate(shift[0] * height, shift[1] * width) @ translate(*centre) @ grow @ turn @ flip @ translate(-centre[0], -centre[1])
    inverse = np.linalg.inv(forward)
    rows, columns = np.mgrid[0:height, 0:width]
    at = inverse @ np.stack([rows.ravel(), columns.ravel(), np.ones(rows.size)])
    inside = (at[0] >= -0.5) & (at[0] <= height - 0.5) & (at[1] >= -0.5) & (at[1] <= width - 0.5)
    near = np.minimum(np.abs(at[0] + 0.5), np.abs(at[0] - height + 0.5)).min(), np.minimum(np.abs(at[1] + 0.5), np.abs(at[1] - width + 0.5)).min()
    out = []
    for image in stack:
        sampled = ndimage.map_coordinates(image, at[:2], order=1, mode="nearest")
        out.append(np.where(inside, sampled, outside))
    return np.array(out).reshape(stack.shape), min(near)


def stack_of(shape):
    return np.round(rng.uniform(-20, 100, shape), 3)


cases = []
for shape, how in [
    ((2, 7, 10), dict(degrees=30.0)),
    ((2, 8, 6), dict(degrees=-17.5, zoom=0.7)),
    ((1, 9, 9), dict(zoom=1.4, shift=(0.08, -0.05))),
    ((3, 6, 7), dict(flip_rows=True, degrees=25.0, shift=(-0.1, 0.07))),
    ((2, 7, 8), dict(flip_columns=True, degrees=-80.0, zoom=1.13, shift=(0.03, 0.06))),
    ((1, 5, 5), dict(flip_rows=True, flip_columns=True, degrees=170.0, zoom=0.9)),
    ((2, 1, 6), dict(zoom=1.3, shift=(0.0, 0.11))),
]:
    values, mask = stack_of(shape), (rng.uniform(0, 1, shape) > 0.6).astype(float)
    moved, near = geometry(values, PAD, **how)
    assert near > 1e-6, "a position lies on the border: rounding would decide"
    cases.append({"shape": shape, "pad": PAD, "drawn": {
        "flipRows": how.get("flip_rows", False), "flipColumns": how.get("flip_columns", False), "degrees": how.get("degrees", 0.0),
        "zoom": how.get("zoom", 1.0), "shift": how.get("shift", (0.0, 0.0))},
        "values": short(values), "mask": short(mask), "moved": short(moved), "movedMask": short(geometry(mask, 0.0, **how)[0])})

blurs = []
for shape, sd in [((2, 9, 11), 0.4), ((1, 12, 8), 1.0), ((2, 3, 4), 1.7), ((1, 1, 5), 0.8)]:
    values = stack_of(shape)
    out = ndimage.gaussian_filter(values, sigma=(0, sd, sd), mode="nearest", truncate=4.0)
    blurs.append({"shape": shape, "sd": sd, "values": short(values), "blurred": short(out)})

values = stack_of((2, 5, 6))
low, high = -10.0, 80.0
gamma = low + (high - low) * np.clip((values - low) / (high - low), 0, 1) ** 0.8
contrast = gamma.mean() + 1.1 * (gamma - gamma.mean())
bright = contrast + 0.03 * (high - low)
intensity = {"shape": (2, 5, 6), "range": [low, high], "values": short(values), "gamma": short(gamma),
             "contrast": short(values.mean() + 0.9 * (values - values.mean())), "all": short(bright)}

texts = ["", "a", "ab", "abc", "abcd", "abcde", "7:3:ct_0001", "0:patiënt ü", "0:1:患者", "1:0:" + "x" * 100]
hashes = {text: int(murmurhash3_32(text.encode(), seed=0, positive=True)) for text in texts}
result = {"geometry": cases, "blur": blurs, "intensity": intensity, "hashes": hashes}
pathlib.Path(__file__).with_name("augment.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
