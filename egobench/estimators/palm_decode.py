"""Arithmetic for the palm and hand networks: anchors, boxes, crops. It uses only numpy.

A palm is a row of 18 numbers, normalised to the network's square picture: box (x0, y0, x1, y1), then seven points
(x, y): wrist, first joints of index, middle, ring and little finger, and two of the thumb.
"""

import numpy as np
from jaxtyping import Float

PALM_SIDE = 192
"""Side in pixels of the square picture that the palm network gets."""
GRIDS = ((24, 2), (12, 6))
"""Cells per side, and anchors per cell, of the two layers that predict palms."""
WRIST, MIDDLE = 0, 2
"""Indices of the two points, of seven, that give the direction of the hand."""
OVERLAP = 0.3
"""Palms whose boxes overlap by more than this (intersection over union) are merged into one."""
CROP_SCALE, CROP_SHIFT = 2.6, 0.5
"""Side of the hand's square over the palm's longer side, and its shift towards the fingers as a share of the palm's
height."""


def palm_anchors() -> Float[np.ndarray, "2016 2"]:
    """Centres of the 24² × 2 + 12² × 6 anchors, row by row, 0 … 1. All anchors have one size."""
    layers = []
    for cells, count in GRIDS:
        centres = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(centres, centres, indexing="ij")
        layers.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), count, axis=0))
    return np.concatenate(layers)


def decode_palms(
    raw: Float[np.ndarray, "2016 18"], logits: Float[np.ndarray, "2016"], threshold: float
) -> tuple[Float[np.ndarray, "palm 18"], Float[np.ndarray, " palm"]]:
    """Turns the output of the palm network into palms and their scores, the best first.

    Args:
        raw: centre and size of a box, then seven points, in pixels from the anchor.
        logits: that there is a palm.
        threshold: least score of a palm.
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -50.0, 50.0)))
    kept = np.flatnonzero(scores >= threshold)
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    anchors, given = palm_anchors()[kept], raw[kept].astype(np.float64) / PALM_SIDE
    centre, half = given[:, :2] + anchors, given[:, 2:4] / 2
    points = given[:, 4:] + np.tile(anchors, 7)
    return merge_palms(np.concatenate([centre - half, centre + half, points], axis=1), scores[kept])


def merge_palms(
    palms: Float[np.ndarray, "box 18"], scores: Float[np.ndarray, " box"]
) -> tuple[Float[np.ndarray, "palm 18"], Float[np.ndarray, " palm"]]:
    """Replaces the best box and the boxes that overlap it by their mean, weighted by score.

    Source: BlazeFace, Bazarevsky et al. 2019, §3.3.

    Args:
        palms: the best first.
        scores: in descending order.
    """
    found, best = [], []
    left = np.arange(len(palms))
    while left.size:
        overlap = _overlaps(palms[left[0], :4], palms[left, :4])
        same = left[(overlap > OVERLAP) | (left == left[0])]
        found.append(np.average(palms[same], axis=0, weights=scores[same]))
        best.append(float(scores[left[0]]))
        left = np.setdiff1d(left, same)
    return np.array(found).reshape(-1, 18), np.array(best)


def crop_matrix(palm: Float[np.ndarray, "18"], side: int) -> Float[np.ndarray, "2 3"]:
    """Matrix from a pixel of the upright square of `side` pixels around the hand to a pixel of the palm's image.

    The square is rotated so that the line from the wrist to the middle finger points up. Both coordinates begin at 0.

    Args:
        palm: in pixels of the image.
    """
    size, points = palm[2:4] - palm[:2], palm[4:].reshape(7, 2)
    along = points[MIDDLE] - points[WRIST]
    angle = np.arctan2(along[0], -along[1])  # 0 is up
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = (palm[:2] + palm[2:4]) / 2 + turn @ np.array([0.0, -CROP_SHIFT * size[1]])
    scale = CROP_SCALE * size.max() / side
    offset = centre - scale * turn @ np.full(2, side / 2)
    return np.concatenate([scale * turn, offset[:, None]], axis=1)


def _overlaps(box: Float[np.ndarray, "4"], others: Float[np.ndarray, "box 4"]) -> Float[np.ndarray, " box"]:
    """Intersection over union."""
    corner, end = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(end - corner, 0.0), axis=1)
    area, areas = np.prod(box[2:] - box[:2]), np.prod(others[:, 2:] - others[:, :2], axis=1)
    return shared / np.maximum(area + areas - shared, 1e-12)
