"""Errors and statuses of camera estimators on recorded video of a split, where the path is known.

    python benchmarks/studies/estimators.py [--split egomini-hd] [--estimators colmap rotation-chain] [--clips 24]
        [--every 1] [--hands egomini-hands ''] [--json figures.json]

Rotation: mean angle over registered frames, with worlds aligned by orientations. Translation: RMSE with that rotation,
a shift and a scale. It also prints medians and 90th percentiles by stratum, and by look if every second room is rich in
texture (egomini-hd). What they cost: `make bench ARGS="-k 'rotation_chain or colmap'"`.

`--hands` names the detectors whose masks are used, one after the other, '' for none; with two, it prints what the
second changes on each clip.
With both colmap and rotation-chain, it lists the clips whose rotations differ by more than half a degree, with the
error of each. A map that colmap refused for this reason is made again without the check, to see which was right.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from egobench import open_split
from egobench.catalog import ESTIMATORS
from egobench.estimators.colmap import rotations_apart
from egobench.geometry.alignment import place, rotation_gauge
from egobench.geometry.border import motion_arrays
from egobench.geometry.head_camera import head_camera_path
from egobench.geometry.path_errors import (
    distances_to_middle,
    mean_over_frames,
    position_errors,
    rms_over_frames,
    rotation_errors,
)

Settings = tuple[tuple[str, Any], ...]
"""Fields of an estimator that are set, as a key."""
LOADED: dict[tuple[str, Settings], Any] = {}
UNBELIEVING: Settings = (("max_disagreement", 180.0),)
"""colmap without its check: it returns every map."""
APART = 0.5
"""A clip is listed if two estimators differ by more than this many degrees."""
DEFAULT = "(its own)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", default="egomini-hd")
    parser.add_argument("--estimators", nargs="+", default=["colmap", "rotation-chain"])
    parser.add_argument("--clips", type=int, help="only the first so many")
    parser.add_argument("--every", type=int, default=1, help="only every so manieth clip")
    parser.add_argument("--hands", nargs="+", default=[DEFAULT], help="hand estimators whose mask is used; '' for none")
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args()
    clips = [info.clip_id for info in open_split(options.split).infos()][: options.clips : options.every]
    is_hd, figures = options.split == "egomini-hd", {}
    for name in options.estimators:
        for hands in options.hands:
            settings: Settings = () if hands == DEFAULT else (("hands", hands),)
            figures[name, hands] = run(options.split, clips, name, settings)
            title = name if hands == DEFAULT else f"{name}, {hands or 'no'} masks"
            summarise(title, figures[name, hands], rich_every_second=is_hd)
        for one, other in pairwise(options.hands):
            changes(name, (one, figures[name, one]), (other, figures[name, other]))
    for hands in options.hands:
        if ("colmap", hands) in figures and ("rotation-chain", hands) in figures:
            settings = () if hands == DEFAULT else (("hands", hands),)
            disagreements(options.split, figures["colmap", hands], figures["rotation-chain", hands], settings)
    if options.json:
        rows = [
            {"estimator": name, "hands": hands, **without_path(row)}
            for (name, hands), rows in figures.items()
            for row in rows
        ]
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def run(split: str, clips: list[str], name: str, settings: Settings) -> list[dict[str, Any]]:
    """Rows of all clips, each printed when it is there."""
    rows = []
    for clip_id in clips:
        rows.append(look(split, clip_id, name, settings))
        print(as_line(rows[-1]), flush=True)
    return rows


def load(name: str, settings: Settings) -> Any:
    """The loaded estimator."""
    if (name, settings) not in LOADED:
        LOADED[name, settings] = ESTIMATORS.load(name)(**dict(settings)).load("cpu")
    return LOADED[name, settings]


def look(split: str, clip_id: str, name: str, settings: Settings) -> dict[str, Any]:
    """One estimate and its errors."""
    clip = open_split(split).clip(clip_id)
    video, camera = clip.reference.video, clip.condition.camera
    path = load(name, settings).camera(video, camera, clip_id=clip_id)
    truth = head_camera_path(motion_arrays(clip.reference.motion), camera, len(video.frames))
    R, x, seen = path.T_world_camera[:, :3, :3], path.T_world_camera[:, :3, 3], path.registered
    Q = rotation_gauge(truth.R, R, seen).R
    placement = place(Q, truth.positions, x, seen, with_scale=not path.is_metric)
    has_positions = path.status in ("ok", "partial")
    mm = 1e3 * rms_over_frames(position_errors(Q, placement, truth.positions, x, seen)) if has_positions else np.nan
    return {
        "clip": clip_id,
        "stratum": clip.info.stratum,
        "status": path.status,
        "frames": int(seen.sum()),
        "coverage": float(seen.mean()),
        "degrees": float(np.degrees(mean_over_frames(rotation_errors(Q, truth.R, R, seen)))) if seen.any() else np.nan,
        "mm": float(mm),
        "spread": float(1e3 * rms_over_frames(distances_to_middle(truth.positions, np.ones_like(seen)))),
        "focal": np.nan if path.focal_ratio is None else path.focal_ratio,
        "reason": path.reason,
        "path": (R, seen),
    }


def without_path(row: dict[str, Any]) -> dict[str, Any]:
    """The row as written, without its path; unknown values are null."""
    return {key: None if value != value else value for key, value in row.items() if key != "path"}


def as_line(row: dict[str, Any]) -> str:
    return (
        f"{row['clip']:<14}{row['stratum']:<7}{row['status']:<14}{row['frames']:>3} frames{row['degrees']:>8.3f}°"
        f"{row['mm']:>8.1f} mm of {row['spread']:6.0f}  f {row['focal']:.4f}  {row['reason']}"
    )


def groups(rows: list[dict[str, Any]], *, rich_every_second: bool) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Name and rows: all, each stratum, each look, each look of each stratum."""
    yield "all", rows
    for stratum, members in groupby(sorted(rows, key=lambda row: row["stratum"]), key=lambda row: row["stratum"]):
        yield stratum, list(members)
    if rich_every_second:
        kinds = {"rich": 0, "plain": 1}
        looks = {look: [row for row in rows if number(row) % 2 == rest] for look, rest in kinds.items()}
        yield from looks.items()
        for look, members in looks.items():
            for kind in ("walk", "look", "still"):
                yield f"{look} {kind}", [row for row in members if row["stratum"] == kind]


def number(row: dict[str, Any]) -> int:
    """Number of a clip of egomini-hd, of which the even ones are rich in texture: `hd-0006` is 6."""
    return int(row["clip"].split("-")[1])


def summarise(name: str, rows: list[dict[str, Any]], *, rich_every_second: bool) -> None:
    print(
        f"\n{name:<30}{'n':>4}{'ok':>4}{'rot.only':>9}{'lost':>5}{'frames':>8}{'° median':>10}{'p90':>8}{'mean':>8}"
        f"{'mm median':>11}{'p90':>8}"
    )
    for group, members in groups(rows, rich_every_second=rich_every_second):
        if not members:
            continue
        status = [row["status"] for row in members]
        kept = sum(one in ("ok", "partial") for one in status), status.count("rotation_only")
        degrees, mm, coverage = (np.array([row[key] for row in members]) for key in ("degrees", "mm", "coverage"))
        turned, moved = quantiles(degrees), quantiles(mm)
        mean = np.nanmean(degrees) if not np.isnan(degrees).all() else np.nan
        print(
            f"{group:<30}{len(members):>4}{kept[0]:>4}{kept[1]:>9}{len(members) - sum(kept):>5}"
            f"{100 * coverage.mean():>6.1f} %{turned[0]:>10.3f}{turned[1]:>8.3f}{mean:>8.3f}"
            f"{moved[0]:>11.1f}{moved[1]:>8.1f}"
        )


def quantiles(values: np.ndarray) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    return (float(np.median(known)), float(np.quantile(known, 0.9))) if len(known) else (np.nan, np.nan)


def changes(name: str, one: tuple[str, list[dict[str, Any]]], other: tuple[str, list[dict[str, Any]]]) -> None:
    """What the masks of `other` change against those of `one`, clip by clip."""
    print(f"\n{name}: masks by {one[0] or 'nobody'} → by {other[0] or 'nobody'}")
    differences = []
    for a, b in zip(one[1], other[1], strict=True):
        turned, moved = b["degrees"] - a["degrees"], b["mm"] - a["mm"]
        differences.append((turned, moved))
        status = a["status"] if a["status"] == b["status"] else f"{a['status']} → {b['status']}"
        shift = "" if np.isnan(moved) else f"{moved:>+9.2f} mm"
        print(f"  {a['clip']:<12}{a['stratum']:<7}{status:<28}{turned:>+8.3f}°{shift}")
    table = np.array(differences)
    for column, unit in enumerate(("°", "mm")):
        known = table[~np.isnan(table[:, column]), column]
        if len(known):
            better, worse = int((known < 0).sum()), int((known > 0).sum())
            print(
                f"  {len(known)} clips with both: median {np.median(known):+.3f} {unit}, largest "
                f"{known[np.abs(known).argmax()]:+.3f} {unit}; smaller without on {better}, larger on {worse}"
            )


def disagreements(split: str, maps: list[dict[str, Any]], chains: list[dict[str, Any]], settings: Settings) -> None:
    """The clips on which the rotations of colmap's map and of the chain differ, and which of them is right."""
    print(f"\nclips whose turns by colmap and by rotation-chain differ by more than {APART} degrees on average")
    print(f"  {'':<12}{'':<7}{'colmap says':<14}{'apart':>9}{'map off by':>13}{'chain off by':>14}")
    listed = 0
    for made, chain in zip(maps, chains, strict=True):
        if made["status"] in ("rotation_only", "crashed", "timeout"):
            continue  # there is no map: it is the chain's own answer, or none
        believed = made
        if made["status"] == "failed":
            believed = look(split, made["clip"], "colmap", (*settings, *UNBELIEVING))
        (R, seen), (R_chain, linked) = believed["path"], chain["path"]
        both = seen & linked
        if both.sum() < 2:
            print(f"  {made['clip']:<12}{made['stratum']:<7}{made['status']:<14}  {made['reason']}")
            continue
        apart = rotations_apart(R, R_chain, both)
        if apart > APART:
            listed += 1
            print(
                f"  {made['clip']:<12}{made['stratum']:<7}{made['status']:<14}{apart:>8.2f}°"
                f"{believed['degrees']:>12.2f}°{chain['degrees']:>13.2f}°"
            )
    print(f"  {listed} of {len(maps)} clips")


if __name__ == "__main__":
    main()
