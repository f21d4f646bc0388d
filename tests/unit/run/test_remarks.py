"""A model's pictures: known mistakes fail by name, odd videos are a line."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from pipeline_toys import walk

from egobench.cli.outcome import print_run
from egobench.cli.quiet import take_quiet
from egobench.data.open import open_split
from egobench.run.remarks import odd_videos
from egobench.run.run import resume_run, start_run
from egobench.store.tables import read_items
from egobench.types import Condition, Sample, Video

CHANGES = {
    "right": lambda f: f,
    "bgr": lambda f: f[..., ::-1],
    "mirrored": lambda f: f[:, :, ::-1],
    "upside-down": lambda f: f[:, ::-1],
    "late": lambda f: np.concatenate([0 * f[:1], f[:-1]]),
    "early": lambda f: np.concatenate([f[1:], f[-1:]]),
    "black": lambda f: 0 * f,
    "frozen": lambda f: np.repeat(f[:1], len(f), axis=0),
}


@dataclass(frozen=True)
class Pictures:
    """The reference's video changed in a known way, by clip: `clip=change` by semicolon."""

    changes: str = ""

    def load(self, device: str) -> "Pictures":
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        how = dict(pair.split("=") for pair in self.changes.split(";") if pair)
        video = open_split(condition.split).clip(condition.clip_id).reference.video
        change = CHANGES[how.get(condition.clip_id, "right")]
        return Sample(Video(np.ascontiguousarray(change(video.frames)), video.fps), walk(np.random.default_rng(seed)))


@pytest.fixture
def run(ask):
    def go(changes):
        options = {"changes": ";".join(f"{clip}={change}" for clip, change in changes.items())}
        asked = ask(model="test_remarks:Pictures", model_options=options, metrics="pipeline_toys:Speed")
        return start_run(replace(asked, allow_failed=8, keep_going=True))

    return go


def test_what_check_refuses_in_a_folder_fails_in_a_model_with_the_same_code(run):
    report = run({"toy-00": "bgr", "toy-01": "mirrored", "toy-02": "upside-down", "toy-03": "late", "toy-04": "early"})
    found = {row.clip: (row.code, row.reason) for row in read_items(report.path / "items.parquet")}
    codes = ["video-bgr", "video-turned", "video-turned", "video-late", "video-early", "", "", ""]
    assert [found[f"toy-{number:02d}"][0] for number in range(8)] == codes
    assert "only mirrored left to right: 0 grey levels off" in found["toy-01"][1]


def test_black_frozen_and_repeated_videos_are_lines_after_a_run(run, capsys):
    report = run({"toy-00": "black", "toy-01": "frozen", "toy-02": "black", "toy-03": "bgr"})
    lines = [
        "2 of 7 videos are black in every pixel",
        "1 of 7 videos stand still: every frame is the same",
        "2 of 7 videos are the same for several clips, such as toy-00, toy-02",
    ]
    assert odd_videos(report.path) == lines
    assert resume_run(report.path).path == report.path
    take_quiet([])  # an earlier test may have said --quiet
    print_run(report.path, as_json=True)
    printed = capsys.readouterr()
    assert printed.err.splitlines() == lines
    assert json.loads(printed.out)["run"]


def test_a_run_of_ordinary_videos_has_no_line(run):
    assert odd_videos(run({}).path) == []
