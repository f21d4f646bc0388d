"""What is wrong with a clip is a status and a reason in a run of the shipped metrics, and never a silent number."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from egobench.data.open import open_split
from egobench.geometry.border import motion_arrays
from egobench.geometry.head_camera import head_camera_path
from egobench.run.run import RunRequest, start_run
from egobench.store.tables import read_items, read_scores
from egobench.types import Condition, Sample, Video

SPLIT = "egomini-smoke"
KINDS = ("black", "still", "one frame", "unequal frames", "a head that never moves", "nan poses", "all still", "noise")
"""A kind for each of the eight clips."""


@dataclass(frozen=True)
class Spoilt:
    """The recording, with one thing wrong in each clip."""

    def load(self, device: str) -> "Spoilt":
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        split = open_split(SPLIT)
        kind = KINDS[[info.clip_id for info in split.infos()].index(condition.clip_id)]
        reference = split.clip(condition.clip_id).reference
        video, motion, frames = reference.video, reference.motion, reference.video.frames
        still = Video(frames[:1].repeat(len(frames), axis=0), video.fps)
        first = [np.repeat(part[:1], len(motion.positions), axis=0) for part in (motion.positions, motion.rotations)]
        frozen = replace(motion, positions=first[0], rotations=first[1])
        noise = np.random.default_rng(0).integers(0, 256, frames.shape, dtype=np.uint8)
        return {
            "black": Sample(Video(np.zeros_like(frames), video.fps), motion),
            "still": Sample(still, motion),
            "one frame": Sample(Video(frames[:1], video.fps), motion),
            "unequal frames": Sample(Video([*frames[:-1], frames[-1, :32]], video.fps), motion),
            "a head that never moves": Sample(video, frozen),
            "nan poses": Sample(video, replace(motion, positions=motion.positions * np.nan)),
            "all still": Sample(still, frozen),
            "noise": Sample(Video(noise, video.fps), motion),
        }[kind]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield start_run(
            RunRequest(
                model="test_bad_clips_in_runs:Spoilt",
                split=SPLIT,
                metrics="rot-err,trans-err,hand-score,sync-lag",
                draws=20,
                engine="inline",
                out=str(tmp_path_factory.mktemp("runs")),
                allow_failed=4,
            )
        )


@pytest.fixture(scope="module")
def rows(ran):
    """(kind, metric) → row."""
    clips = [info.clip_id for info in open_split(SPLIT).infos()]
    found = read_scores(ran.path / "scores.parquet")
    return {(KINDS[clips.index(row.clip)], row.metric): row for row in found if row.clip in clips}


def said(row):
    return json.loads(row.detail)


def test_what_is_no_video_or_no_motion_is_a_failed_item_with_its_code(ran):
    codes = {kind: row.code for kind, row in zip(KINDS, read_items(ran.path / "items.parquet"), strict=True)}
    wrong = {kind: code for kind, code in codes.items() if code}
    assert wrong == {
        "one frame": "video-frames",
        "unequal frames": "video-shape",
        "nan poses": "motion-nonfinite",
    }
    seen = {name: result.coverage for name, result in ran.results.items()}
    assert seen == {"rot-err": 4 / 8, "trans-err": 4 / 8, "hand-score": 5 / 8, "sync-lag": 5 / 8}  # black is not seen
    assert (ran.failed, ran.unmeasured) == (3, 1)


@pytest.mark.parametrize("metric", ["rot-err", "trans-err"])
def test_a_black_video_costs_its_null_error_and_says_why(rows, metric):
    found = said(rows["black", metric])
    assert (found["status"], found["counted"], found["coverage"]) == ("failed", "null", 0.0)
    assert rows["black", metric].value == found.get("null_deg", found.get("null_m")) > 0


@pytest.mark.parametrize("metric", ["rot-err", "trans-err"])
def test_a_still_video_of_a_moving_head_is_no_better_than_a_black_one(rows, metric):
    found = said(rows["still", metric])
    null = found.get("null_deg", found.get("null_m"))
    assert rows["still", metric].value == pytest.approx(null, rel=0.1)


@pytest.mark.parametrize("metric", ["rot-err", "trans-err"])
@pytest.mark.parametrize("kind", ["a head that never moves", "all still"])
def test_a_head_that_never_moves_costs_at_least_what_its_reference_moves(rows, metric, kind):
    found = said(rows[kind, metric])
    assert found.get("turned_deg", found.get("moved_m")) == pytest.approx(0, abs=1e-6)
    if found["counted"] == "still":  # where the reference moves at all
        assert rows[kind, metric].value >= found.get("null_deg", found.get("null_m")) > 0


def test_where_nothing_turns_there_is_no_lag_and_the_reason_says_which_side(rows):
    expected = {
        "black": "lost the clip",
        "still": "camera's turning varies",
        "a head that never moves": "head's turning varies",
        "all still": "turning varies",
    }
    for kind, words in expected.items():
        row = rows[kind, "sync-lag"]
        assert (row.status, row.value) == ("undefined", None)
        assert words in row.reason, (kind, row.reason)


def test_no_number_of_the_run_is_nan_and_every_missing_one_has_a_reason(ran):
    for row in read_scores(ran.path / "scores.parquet"):
        if row.status == "ok":
            assert row.value is None or np.isfinite(row.value)
        else:
            assert row.value is None
            assert row.reason
    for name, result in ran.results.items():
        if name == "sync-lag":  # on none of these clips can a moment be told
            assert (result.value, result.n, sum(result.detail["undefined"].values())) == (None, 0, 5)
        else:
            assert np.isfinite(result.value)
            assert result.n > 0


TUM = {
    "times out of order": lambda lines: [lines[1], lines[0], *lines[2:]],
    "the same time twice": lambda lines: [lines[0], *lines],
    "not finite": lambda lines: [lines[0].replace(lines[0].split()[1], "nan"), *lines[1:]],
    "no file": lambda lines: None,
    "7 columns": lambda lines: [lines[0].rsplit(" ", 1)[0], *lines[1:]],
}


def tum_lines(clip):
    from scipy.spatial.transform import Rotation

    head = head_camera_path(motion_arrays(clip.reference.motion), clip.condition.camera, 41)
    quats = Rotation.from_matrix(head.R).as_quat()
    rows = [(k / 8, *head.positions[k], *quats[k]) for k in range(41)]
    return [" ".join(f"{number:.9f}" for number in row) for row in rows]


def test_trajectory_files_that_are_wrong_fail_their_clips_and_the_sound_ones_count(tmp_path, monkeypatch):
    split, folder = open_split(SPLIT), tmp_path / "paths"
    folder.mkdir()
    clips, reasons = [info.clip_id for info in split.infos()], list(TUM)
    for number, clip_id in enumerate(clips):
        lines = tum_lines(split.clip(clip_id))
        lines = TUM[reasons[number]](lines) if number < len(reasons) else lines
        if lines is not None:
            (folder / f"{clip_id}.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EGOBENCH_PATHS", str(folder))
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    request = RunRequest(
        "reference", SPLIT, metrics="rot-err:path-file", engine="inline", draws=20, out=str(tmp_path / "runs")
    )
    report = start_run(replace(request, allow_failed=len(reasons)))
    assert (report.failed, report.unmeasured) == (0, len(reasons))
    found = {row.clip: row for row in read_scores(report.path / "scores.parquet")}
    for number, clip_id in enumerate(clips):
        row, detail = found[clip_id], json.loads(found[clip_id].detail)
        wrong = number < len(reasons)
        assert (detail["status"], detail["counted"]) == (("failed", "null") if wrong else ("ok", "measured"))
        assert row.value == pytest.approx(detail["null_deg"]) if wrong else row.value < 1e-3
    (result,) = report.results.values()
    assert result.detail["statuses"]["failed"]["n"] == len(reasons)
    assert result.coverage == 1 - len(reasons) / len(clips)
