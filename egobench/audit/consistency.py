"""One sample of a finished run: the estimates from its video beside the motion of its body.

Estimates come from the cache. An estimate that the cache no longer holds is made again in this process.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from egobench.catalog import METHODS, METRICS
from egobench.errors import BadInputError, UnknownNameError
from egobench.files.atomic import read_json
from egobench.geometry.alignment import place, rotation_gauge, turn
from egobench.geometry.border import motion_arrays
from egobench.geometry.head_camera import HeadCameraPath, head_camera_path
from egobench.geometry.palms import PalmViews, view_palms_in_video
from egobench.geometry.path_errors import position_errors, rotation_errors
from egobench.metrics.base import Need, What
from egobench.plan.estimates import pack_estimate, unpack_estimate
from egobench.plan.resolve import resolve_estimator, resolve_split
from egobench.registry import unknown
from egobench.run.report import load_run
from egobench.scoring.inputs import Inputs, MissingPartError, Origin
from egobench.scoring.stored_sample import stored_motion, stored_video
from egobench.store.cache import open_cache
from egobench.store.folder import RunFolder
from egobench.store.manifest import read_manifest
from egobench.store.tables import ItemRow, ScoreRow, read_items, read_scores
from egobench.types import Camera, CameraPath, ClipInfo, HandDetections, Motion, Video

PREFERRED = {"camera": ("trans-err", "rot-err"), "hands": ("hand-score",)}
"""Metrics whose estimator is drawn, in this order."""


@dataclass(frozen=True)
class LaidPath:
    """An estimated camera path, aligned with the world of the motion as in `rot-err` and `trans-err`: rotation from the
    orientations, then translation, and a scale ≥ 0 where the estimator has none."""

    estimator: str
    path: CameraPath
    positions: Float[np.ndarray, "time 3"]
    """Metres; they mean nothing where the status is `rotation_only`."""
    scale: float
    angles: Float[np.ndarray, " time"]
    """Degrees to the motion's; NaN where not registered."""
    gaps: Float[np.ndarray, " time"]
    """Metres to the motion's; NaN where not registered."""


@dataclass(frozen=True)
class SeenHands:
    """What a detector saw."""

    estimator: str
    hands: HandDetections


@dataclass(frozen=True)
class Consistency:
    """One sample."""

    run: str
    model: str
    info: ClipInfo
    seed: int
    video: Video
    head: HeadCameraPath
    """The camera on the motion's head, at the times of the video's frames."""
    palms: PalmViews
    """Where the motion has the palms in the picture."""
    laid: LaidPath | str
    """The reason, where there is none."""
    seen: SeenHands | str
    """The reason, where there is none."""
    values: Mapping[str, str | float]
    """The run's metrics on this sample: number, or why there is none."""
    notes: Mapping[str, str]
    """Unit of each metric; where the number is not measured, also what it counts as."""


def read_consistency(run: Path | str, clip_id: str, seed: int) -> Consistency:
    """Reads one sample of a run.

    Raises:
        UnknownNameError: the run has no such clip; near ones are suggested.
        BadInputError: not a finished run; `sample-missing` (no sample with this seed, it failed, or it lacks video or
            motion); `split-changed`; damaged files.
    """
    folder = RunFolder(load_run(run).path)
    manifest = read_manifest(folder)
    item = _item(folder, clip_id, seed)
    split = resolve_split(manifest["request"]["split"])
    if split.digest != manifest["split"]["digest"]:
        raise BadInputError(f"split '{split.name}' has changed since {folder.run_id} was made", code="split-changed")
    inputs = Inputs(split, folder, open_cache(), {})
    video, motion = _parts(inputs, item)
    arrays = motion_arrays(motion)
    frames = len(video.frames)
    head = head_camera_path(arrays, inputs.camera, frames)
    document = read_json(folder.metrics)
    rows = [row for row in read_scores(folder.scores) if (row.clip, row.seed) == (clip_id, seed)]
    path_by, hands_by = (_estimator(part, manifest, document) for part in ("camera", "hands"))
    path = _estimate(inputs, item, video, "camera-path", path_by)
    hands = _estimate(inputs, item, video, "hands", hands_by)
    return Consistency(
        run=folder.run_id,
        model=str(manifest["model"]["name"]),
        info=inputs.infos[clip_id],
        seed=seed,
        video=video,
        head=head,
        palms=view_palms_in_video(arrays, inputs.camera, frames),
        laid=path if isinstance(path, str) else lay(path_by, path, head),
        seen=hands if isinstance(hands, str) else SeenHands(hands_by, hands),
        values={row.metric: row.reason if row.value is None else row.value for row in rows},
        notes={row.metric: _note(row, document["metrics"][row.metric]["unit"]) for row in rows},
    )


def lay(estimator: str, path: CameraPath, head: HeadCameraPath) -> LaidPath | str:
    """Aligns an estimated path with the head's. Returns a sentence where no frame is registered."""
    if not path.registered.any():
        return f"{estimator}: {path.status}: {path.reason}"
    R, t = path.T_world_camera[:, :3, :3], path.T_world_camera[:, :3, 3]
    gauge = rotation_gauge(head.R, R, path.registered)
    placement = place(gauge.R, head.positions, t, path.registered, with_scale=not path.is_metric)
    return LaidPath(
        estimator=estimator,
        path=path,
        positions=placement.scale * turn(gauge.R, t) + placement.shift,
        scale=float(placement.scale),
        angles=np.degrees(rotation_errors(gauge.R, head.R, R, path.registered)),
        gaps=position_errors(gauge.R, placement, head.positions, t, path.registered),
    )


def _item(folder: RunFolder, clip_id: str, seed: int) -> ItemRow:
    rows = {(row.clip, row.seed): row for row in read_items(folder.items)}
    clips = sorted({clip for clip, _ in rows})
    if clip_id not in clips:
        raise UnknownNameError(unknown(f"clips of {folder.run_id}", clip_id, clips))
    row = rows.get((clip_id, seed))
    if row is None:
        seeds = sorted(number for clip, number in rows if clip == clip_id)
        text = f"{folder.run_id} has no sample of {clip_id} with seed {seed}; it has {', '.join(map(str, seeds))}"
        raise BadInputError(text, code="sample-missing")
    if row.status == "failed":
        raise BadInputError(f"{clip_id} with seed {seed} failed: {row.reason}", code="sample-missing")
    return row


def _parts(inputs: Inputs, item: ItemRow) -> tuple[Video, Motion]:
    try:
        video, motion = (inputs.part(item, kind) for kind in ("video", "motion"))
    except MissingPartError as reason:
        text = f"{item.clip} with seed {item.seed}: {reason}; video and motion are needed"
        raise BadInputError(text, code="sample-missing") from None
    return stored_video(video, inputs.split.facts), stored_motion(motion, inputs.split.facts)


def _estimator(part: str, manifest: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """The estimator that the run used for `camera` or `hands`, that of the preferred metric first; where it used none,
    what the preferred metric takes by default."""
    used: dict[str, str] = {}
    for label, result in document["metrics"].items():
        for estimator in manifest["protocols"].get(result["protocol"], {}).get("estimators", {}):
            if part in resolve_estimator(estimator).provides:
                used.setdefault(label.partition(":")[0], estimator)
    preferred = PREFERRED[part]
    names = [used[name] for name in (*preferred, *used) if name in used]
    return names[0] if names else METRICS.load(preferred[0])().preset


def _estimate(inputs: Inputs, item: ItemRow, video: Video, what: What, estimator: str) -> Any:
    """A `CameraPath` or `HandDetections`, or in a sentence why there is none."""
    try:
        entry = inputs.cached_input(Need("sample", what, estimator), item.clip, Origin(item))
        assert entry is not None, "estimates are cached"
        arrays = inputs.cache.get(entry.key)
        if arrays is None:
            arrays = _look(inputs.camera, item.clip, video, what, estimator)
            inputs.cache.put(entry.key, arrays)
    except (BadInputError, UnknownNameError) as error:
        return f"{estimator}: {error}"
    return unpack_estimate(what, arrays)


def _look(camera: Camera, clip_id: str, video: Video, what: What, estimator: str) -> dict[str, np.ndarray]:
    loaded = resolve_estimator(estimator).load("cpu")
    return pack_estimate(what, getattr(loaded, METHODS[what])(video, camera, clip_id=clip_id), len(video.frames))


def _note(row: ScoreRow, unit: str) -> str:
    counted = json.loads(row.detail or "{}").get("counted", "measured")
    return unit if counted == "measured" else f"{unit}, counted as {counted}"
