"""Compares scores on a GPU with scores on the CPU: `python benchmarks/gpu/agree.py [--device cuda] [--clips 64]`.

Every metric of the core set, on the same samples, with extractors and estimators once on the CPU and once on the
device, both in float32 as the protocol says; a line a metric, and the largest difference of anything extracted. The
samples are clips of egomini-test, drawn without a codec and spoilt a little, so neither a video reader nor the command
line is needed.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import numpy as np  # noqa: E402
import world  # noqa: E402

from egobench import Motion, Video  # noqa: E402
from egobench.catalog import ESTIMATORS, EXTRACTORS, METHODS, METRICS, ON_REQUEST  # noqa: E402
from egobench.metrics.base import ESTIMATED, Need, SetMetric  # noqa: E402
from egomini.camera.head_camera import make_camera  # noqa: E402
from egomini.splits.arrays import ClipArrays, draw_arrays  # noqa: E402
from egomini.splits.generate import FPS_MOTION, FPS_VIDEO  # noqa: E402


@dataclass
class Extracted:
    """What metrics ask for, made on one device; has the `fetch` that `egobench.scoring.score` calls."""

    clips: ClipArrays
    device: str
    cached: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    makers: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def fetch(self, need: Need, clip_id: str, origin: object) -> Any:
        """The array, motion, text, camera, path or hands behind a need."""
        del origin
        place, spoilt = self.clips.ids.index(clip_id), need.source == "sample"
        if need.what == "camera":
            return make_camera(64)
        if need.extractor is None:
            return {"motion": self._motion, "text": self._text, "frames": self._video}[need.what](place, spoilt)
        key = (f"{need.extractor} {need.what}", "sample" if spoilt else "reference", clip_id)
        if key not in self.cached:
            began = time.perf_counter()
            self.cached[key] = self._made(need, place, spoilt, clip_id)
            self.seconds += time.perf_counter() - began
        return self.cached[key]

    def _made(self, need: Need, place: int, spoilt: bool, clip_id: str) -> Any:
        assert need.extractor is not None
        if need.extractor not in self.makers:
            shelf = ESTIMATORS if need.what in ESTIMATED else EXTRACTORS
            self.makers[need.extractor] = shelf.load(need.extractor)().load(self.device)
        method: Callable[..., Any] = getattr(self.makers[need.extractor], METHODS[need.what])
        if need.what in ESTIMATED:
            return method(self._video(place, spoilt), make_camera(64), clip_id=clip_id)
        part = {"text": self._text, "motion-features": self._motion}.get(need.what, self._video)
        return np.asarray(method(part(place, spoilt)), dtype=np.float64)

    def _text(self, place: int, spoilt: bool) -> str:
        del spoilt
        return self.clips.texts[place]

    def _video(self, place: int, spoilt: bool) -> Video:
        frames = np.array(self.clips.frames[place])
        if spoilt:
            noise = np.random.default_rng(place).normal(0, 12, frames.shape)
            frames = (frames + noise).clip(0, 255).round().astype(np.uint8)
        return Video(frames, FPS_VIDEO)

    def _motion(self, place: int, spoilt: bool) -> Motion:
        positions = np.array(self.clips.positions[place], dtype=float)
        if spoilt:
            positions = positions + np.random.default_rng(place).normal(0, 0.005, positions.shape)
        return Motion(positions, np.array(self.clips.rotations[place], dtype=float), FPS_MOTION)


def values(made: Extracted, clips: ClipArrays) -> dict[str, float]:
    """Every core metric over all clips; those without a value are left out."""
    from egobench.scoring.inputs import Origin
    from egobench.scoring.score import collect, group_numbers, score_clip, try_set

    by_metric: dict[str, float] = {}
    source: Any = made
    for name in METRICS.names():
        if name in ON_REQUEST:
            continue
        metric: Any = METRICS.load(name)()
        if isinstance(metric, SetMetric):
            rows = collect(metric, source, [(clip_id, Origin()) for clip_id in clips.ids])
            groups = group_numbers([clip_id.rpartition("-")[0] for clip_id in rows.clips])
            outcome = try_set(metric, rows, groups, draws=0)
            if outcome.score is not None:
                by_metric[name] = outcome.score.value
            continue
        scores = [score_clip(metric, source, clip_id, Origin()).value for clip_id in clips.ids]
        defined = [score for score in scores if score is not None]
        if defined:
            by_metric[name] = float(np.mean(defined))
    return by_metric


def differences(one: Extracted, other: Extracted) -> dict[str, float]:
    """Largest difference of anything extracted, by extractor, as a share of the largest value."""
    largest: dict[str, float] = {}
    for key, value in one.cached.items():
        for left, right in zip(_arrays(value), _arrays(other.cached[key]), strict=True):
            scale = max(1e-9, float(np.abs(left).max(initial=0.0)))
            gap = float(np.abs(left - right).max(initial=0.0)) / scale
            largest[key[0]] = max(largest.get(key[0], 0.0), gap)
    return largest


def _arrays(value: Any) -> list[np.ndarray]:
    parts = [value] if isinstance(value, np.ndarray) else list(vars(value).values())
    arrays = [np.asarray(part, dtype=float) for part in parts if isinstance(part, np.ndarray) and part.dtype != object]
    return [array for array in arrays if array.size]


def report(cpu: Mapping[str, float], device: Mapping[str, float], name: str) -> str:
    """A Markdown table."""
    lines = [f"| metric | cpu | {name} | difference |", "|---|--:|--:|--:|"]
    for metric, value in cpu.items():
        other = device.get(metric, float("nan"))
        lines.append(f"| {metric} | {value:.7g} | {other:.7g} | {abs(other - value):.1e} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--out", type=Path, help="also written there")
    options = parser.parse_args()
    import torch

    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    sequences = range(-(-options.clips // world.TEST.clips_per_sequence))
    clips = draw_arrays(world.TEST, sequences)
    both = [Extracted(clips, device) for device in ("cpu", options.device)]
    scores = [values(made, clips) for made in both]
    text = report(scores[0], scores[1], options.device)
    gaps = differences(*both)
    text += "\n\n" + "\n".join(
        f"{name}: largest difference {gap:.1e} of the largest value" for name, gap in gaps.items()
    )
    text += f"\n\n{len(clips.ids)} clips; extracting took {both[0].seconds:.1f} s on the CPU ({os.cpu_count()} cores)"
    text += f" and {both[1].seconds:.1f} s on {options.device}, one clip at a time"
    print(text, flush=True)
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
