# Images made of a label, by SciPy: python make_label_image.py > label-image.json   (numpy, scipy)
# An ellipsoid of label 3 with a bump, and other labels, on a turned grid of 0.8 x 0.7 x 2.5 mm.
import json
import numpy as np
from scipy.ndimage import map_coordinates

shape = (30, 34, 18)
spacing = np.array([0.8, 0.7, 2.5])
angle = np.radians(17)
turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
flips = np.diag([-1.0, -1.0, 1.0])  # x to the left, y to posterior
affine = np.eye(4)
affine[:3, :3] = turn @ flips @ np.diag(spacing)
affine[:3, 3] = [12.5, -30.25, 101.0]
i, j, k = np.indices(shape)
mm = np.stack([i * spacing[0], j * spacing[1], k * spacing[2]])
centre = np.array([11.0, 13.0, 20.0])[:, None, None, None]
inside = (((mm - centre) / np.array([6.5, 9.0, 11.0])[:, None, None, None]) ** 2).sum(0) <= 1
bump = (((mm - np.array([17.0, 13.0, 24.0])[:, None, None, None]) / 3.2) ** 2).sum(0) <= 1
labels = np.where(inside | bump, 3, 0).astype(np.uint8)
labels[:4, :4, :2] = 7

DIRECTIONS = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}


def made(axes, size, mm_of_voxel, margin=0):
    directions = np.array([DIRECTIONS[letter] for letter in axes], float)
    voxels = np.argwhere(labels == 3)
    world = voxels @ affine[:3, :3].T + affine[:3, 3]
    along = world @ directions.T
    if mm_of_voxel is None:
        half = np.abs(directions @ affine[:3, :3]).sum(1) / 2
        low, high = along.min(0) - half, along.max(0) + half
        step = np.repeat(((high - low + 2 * margin) / np.array(size)).max(), 3)
        first = (low + high) / 2 - (np.array(size) - 1) / 2 * step
    else:
        step = np.repeat(float(mm_of_voxel), 3)
        low = along.min(0)
        first = low + (np.floor((along.mean(0) - low) / step + 1e-6) - np.array(size) // 2) * step
    grid = np.indices(size).reshape(3, -1).T * step + first
    points = (grid @ directions - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    values = map_coordinates((labels == 3).astype(float), points.T, order=1, mode="constant")
    near = int((np.abs(values - 0.5) < 1e-6).sum())
    image = (values >= 0.5).reshape(size)
    # x fastest, as the library stores it
    bits = np.packbits(image.transpose(2, 1, 0).reshape(-1), bitorder="little")
    return {"axes": axes, "shape": list(size), "spacing": mm_of_voxel, "margin": margin, "count": int(image.sum()), "near": near, "bits": bits.tobytes().hex(), "first": (first @ directions).tolist(), "step": float(step[0])}


print(json.dumps({
    "madeBy": f"scipy, numpy {np.__version__}",
    "shape": list(shape),
    "affine": affine.reshape(-1).tolist(),
    "labels": labels.transpose(2, 1, 0).reshape(-1).tobytes().hex(),
    "images": [made("RAS", (24, 24, 24), 1.5), made("SPL", (20, 26, 22), 1), made("LPS", (16, 16, 16), None, 2), made("IAR", (12, 20, 16), None)],
}))
