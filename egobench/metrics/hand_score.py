"""HandScore: are the hands in the video where the body says they are? F1, 0 … 1; world metres, pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from egobench.errors import BadInputError, Undefined
from egobench.geometry.border import motion_arrays
from egobench.geometry.palms import (
    BORDER,
    NEAREST,
    PALM_FROM_WRIST,
    PalmViews,
    palms_travel,
    view_palms_in_video,
)
from egobench.metrics.base import Better, Need, SetMetric, SetScore
from egobench.metrics.path_pair import STILL_SHARE, stands_still
from egobench.stats.binary import Counts, agreement, f1, f1_interval
from egobench.types import SIDES, Camera, HandDetections, Motion

LEAST_MOVED = 0.05
"""Metres: a reference whose palms move less, as the camera has them, asks for no movement."""
INPUTS = ("hands", "motion", "camera", "reference")


@dataclass(frozen=True)
class HandScore(SetMetric):
    """F1 of *a hand is seen in the video* (detector) against *its palm is in the picture* (motion), per frame and side.

    The palm is the point 8 cm from the wrist along the hand. It is in the picture if it lies in front of the camera
    (z > 0.05 m) and projects into the image. A band of 5 % of width and height to either side of the border is ignored,
    and its share is reported. A sample stands still if its palms move, in the camera's frame, less than a tenth of what
    its reference's palms do; its video is then also compared with the reference's palms, and the comparison with more
    errors counts. Hits and misses are pooled over frames, sides and clips. `detail` has precision, recall, MCC and
    prevalence, the same per side and for *any hand*, the prevalence of the references, the number of rows that stand
    still, the F1 of the answers *always* and *never*, and the distance of a hit's seen palm from the body's palm
    (median, % of the image's diagonal). The interval resamples sequences.

    Source: EgoTwin (arXiv:2508.13013), which asks whether hands are visible in video and motion alike.
    Differs from the paper: detector, threshold, the point that is projected, and the treatment of the border are not
    public; ours are in the protocol. What hides a hand, the body itself or an object, is not modelled: the floor, real
    video with its own motion, shows what that and the detector cost.
    How it can be fooled: by keeping the hands out of the picture. Hands that move a little more than a tenth of their
    reference's are compared with their own motion only, so a body that never lifts them is hardly tested: read
    `prevalence` beside `reference_prevalence`. Where hands are seen most of the time, showing them always scores well;
    `always` in the detail, and MCC, say how well. The place of a hand enters the median distance and not the value.
    """

    name: ClassVar[str] = "hand-score"
    version: ClassVar[int] = 2
    unit: ClassVar[str] = "F1"
    better: ClassVar[Better] = "higher"
    preset_kind: ClassVar[str] = "estimators"
    streams = True

    preset: str = "egomini-hands"
    """Catalogue name of an estimator of hands."""

    def needs(self) -> Mapping[str, Need]:
        """What the detector saw in the sample's video, both motions, the split's camera."""
        return {
            "hands": Need("sample", "hands", self.preset),
            "motion": Need("sample", "motion"),
            "camera": Need("condition", "camera"),
            "reference": Need("reference", "motion"),
        }

    def score(
        self,
        inputs: Mapping[str, Sequence[Any]],
        clips: Sequence[str],
        groups: Int[np.ndarray, " row"],
        *,
        draws: int,
        seed: int,
    ) -> SetScore:
        """Scores the set.

        Raises:
            Undefined: no palm is in the picture in any frame.
            BadInputError: `hands-nonfinite`, `hands-shape`, or codes of `motion_arrays`.
        """
        return _score(_rows(inputs), groups, draws, seed)

    def kept(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the comparison of the row came to."""
        return {"row": _compare(*(inputs[name] for name in INPUTS))}

    def score_large(
        self, rows: Mapping[str, Any], clips: Sequence[str], groups: Int[np.ndarray, " row"], *, draws: int, seed: int
    ) -> SetScore:
        """As `score`."""
        del clips
        return _score(rows["row"], groups, draws, seed)

    def terms(
        self, inputs: Mapping[str, Sequence[Any]], clips: Sequence[str]
    ) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]]:
        """Per row 2 TP and 2 TP + FP + FN over frames and sides. Errors as `score`."""
        del clips
        return _terms(_rows(inputs))

    def terms_large(
        self, rows: Mapping[str, Any], clips: Sequence[str]
    ) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]]:
        """As `terms`."""
        del clips
        return _terms(rows["row"])

    def definition(self) -> Mapping[str, Any]:
        return {
            "palm": f"wrist + {PALM_FROM_WRIST} m along the hand",
            "in_front": f"z > {NEAREST} m",
            "ignored": f"within {BORDER} of width or height of the image's border, inside or outside",
            "still": f"palms move < {STILL_SHARE} of a reference's that move >= {LEAST_MOVED} m, in the camera: "
            "at least the errors against the reference",
            "pooled": "frames, sides, clips",
        }


@dataclass(frozen=True)
class _Row:
    """One sample: counts (true positive, false positive, false negative, true negative)."""

    sides: Int[np.ndarray, "2 4"]
    any_hand: Int[np.ndarray, "4"]
    ignored: float
    """Share of frames and sides."""
    distances: Float[np.ndarray, " hit"]
    """Seen palm to projected palm, % of the image's diagonal, for located hits."""
    is_still: bool
    reference_visible: float
    """Share of frames and sides in which the reference's palm is in the picture."""


def _score(rows: Sequence[_Row], groups: Int[np.ndarray, " row"], draws: int, seed: int) -> SetScore:
    by_row = np.array([[row.sides[side] for side in range(2)] for row in rows])
    pooled = by_row.sum(axis=1)
    total = Counts(*pooled.sum(axis=0).tolist())
    if total.positives == 0:
        raise Undefined(f"no palm is in the picture in any of {total.total} decided frames and sides")
    whole = agreement(total)
    prevalence = total.positives / total.total
    any_hand = np.sum([row.any_hand for row in rows], axis=0)
    distances = np.concatenate([row.distances for row in rows])
    detail: dict[str, Any] = {
        **whole,
        "sides": {side: agreement(Counts(*by_row.sum(axis=0)[at].tolist())) for at, side in enumerate(SIDES)},
        "any_hand": agreement(Counts(*any_hand.tolist())),
        "ignored": float(np.mean([row.ignored for row in rows])),
        "still": sum(row.is_still for row in rows),
        "reference_prevalence": float(np.mean([row.reference_visible for row in rows])),
        "nulls": {"always": 2 * prevalence / (1 + prevalence), "never": 0.0},
        "distance_percent_of_diagonal": float(np.median(distances)) if distances.size else None,
        "located_hits": int(distances.size),
    }
    interval = f1_interval(pooled, groups, draws, seed) if draws else None
    return SetScore(f1(total), interval, detail)


def _terms(rows: Sequence[_Row]) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]]:
    hit, false, missed, _ = np.array([row.sides.sum(axis=0) for row in rows], dtype=np.float64).T
    return 2 * hit, 2 * hit + false + missed


def _rows(inputs: Mapping[str, Sequence[Any]]) -> list[_Row]:
    return [_compare(*row) for row in zip(*(inputs[name] for name in INPUTS), strict=True)]


def _compare(hands: HandDetections, motion: Motion, camera: Camera, reference: Motion) -> _Row:
    scores, palms = np.asarray(hands.scores, dtype=np.float64), np.asarray(hands.palms, dtype=np.float64)
    arrays, recorded = motion_arrays(motion), motion_arrays(reference)
    if scores.ndim != 2 or palms.shape != (*scores.shape, 2) or scores.shape[1] != 2 or not len(scores):
        text = f"hands: scores {scores.shape} and palms {palms.shape}; (T, 2) and (T, 2, 2) are needed"
        raise BadInputError(text, code="hands-shape")
    if not np.isfinite(scores).all():
        raise BadInputError("hands: scores are not finite", code="hands-nonfinite")
    seen, frames = scores >= hands.threshold, len(scores)
    own, theirs = view_palms_in_video(arrays, camera, frames), view_palms_in_video(recorded, camera, frames)
    is_still = stands_still(palms_travel(arrays, camera), palms_travel(recorded, camera), LEAST_MOVED)
    judges = [own, theirs] if is_still else [own]
    sides, any_hand = max((_counts(seen, view) for view in judges), key=lambda pair: _errors(pair[0]))
    hits = seen & own.visible & np.isfinite(palms).all(axis=-1)
    diagonal = np.hypot(camera.width, camera.height)
    return _Row(
        sides=sides,
        any_hand=any_hand,
        ignored=float(own.ignored.mean()),
        distances=100.0 * np.linalg.norm(palms[hits] - own.pixels[hits], axis=-1) / diagonal,
        is_still=is_still,
        reference_visible=float(theirs.visible.mean()),
    )


def _counts(
    seen: Bool[np.ndarray, "time side"], view: PalmViews
) -> tuple[Int[np.ndarray, "2 4"], Int[np.ndarray, "4"]]:
    """Per side, and for any hand."""
    decided, some = ~view.ignored, np.asarray(view.visible.any(axis=1))
    sides = np.stack([_count(seen[:, side], view.visible[:, side], decided[:, side]) for side in range(2)])
    return sides, _count(np.asarray(seen.any(axis=1)), some, some | decided.all(axis=1))


def _errors(sides: Int[np.ndarray, "2 4"]) -> int:
    """False alarms and misses."""
    return int(sides[:, 1:3].sum())


def _count(
    seen: Bool[np.ndarray, " time"], visible: Bool[np.ndarray, " time"], decided: Bool[np.ndarray, " time"]
) -> Int[np.ndarray, "4"]:
    pairs = (seen & visible, seen & ~visible, ~seen & visible, ~seen & ~visible)
    return np.array([int((pair & decided).sum()) for pair in pairs])
