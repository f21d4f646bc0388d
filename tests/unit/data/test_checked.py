"""No number is made of a split that is not what its index says: run, score, resume, rescore, verify and compare."""

import json
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from pipeline_toys import METRICS, make_split
from toy_splits import FACTS, picture

from egobench.audit.rescore import rescore_run
from egobench.audit.verify import verify_run
from egobench.cli.main import main as egobench
from egobench.compare.comparison import compare_sides
from egobench.compare.run_side import run_side
from egobench.data.content import write_digests
from egobench.data.folder import FolderSplit, open_folder
from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.files import stamps
from egobench.files.atomic import read_json, write_json
from egobench.files.video import write_video
from egobench.plan.protocol import protocol_record
from egobench.plan.request import RunRequest
from egobench.plan.resolve import resolve_metrics
from egobench.run.extract import ExtractJob
from egobench.run.generate import GenerateJob
from egobench.run.run import resume_run, start_run
from egobench.run.submitted import request_for
from egobench.submissions.example import write_example
from egobench.testing import RegressionError, assert_no_regression


@pytest.fixture
def split(tmp_path):
    return make_split(tmp_path / "mine")


def replace_video(split):
    write_video(split / "toy-01" / "video.mp4", picture(np.random.default_rng(99)).frames, FACTS.fps_video)


def recaption(split):
    index = read_json(split / "split.json")
    index["clips"][1]["text"] = "a caption of another clip"
    write_json(split / "split.json", index)


@pytest.mark.parametrize("edit", [replace_video, recaption])
def test_every_verb_refuses_a_split_that_was_edited_under_its_digests(ask, split, tmp_path, edit):
    folder = write_example(tmp_path / "given", open_split(split))
    report = start_run(ask(split=str(split)))
    edit(split)
    runs = sorted((tmp_path / "runs").iterdir())
    verbs = {
        "run": lambda: start_run(ask(split=str(split))),
        "score": lambda: request_for(RunRequest("", str(split), submission=str(folder)), apart=False),
        "rescore": lambda: rescore_run(report.path, METRICS),
        "compare": lambda: run_side(report.path),
    }
    for verb, call in verbs.items():
        with pytest.raises(BadInputError, match=r"1 of 8 clips has another digest .toy-01 has") as error:
            call()
        assert error.value.code == "split-content", verb
    assert sorted((tmp_path / "runs").iterdir()) == runs
    flaws = verify_run(report.path).flaws
    assert [flaw.code for flaw in flaws] == ["split-changed"]
    assert "toy-01 has" in flaws[0].found


def test_a_run_is_not_resumed_on_a_split_that_was_edited_under_its_digests(ask, split):
    report = start_run(ask(split=str(split)))
    manifest = read_json(report.path / "manifest.json")
    write_json(report.path / "manifest.json", {**manifest, "status": "started"})
    replace_video(split)
    with pytest.raises(BadInputError, match="toy-01 has"):
        resume_run(report.path)


def test_placeholder_digests_never_reach_the_cache(ask, split, tmp_path):
    """Twelve references that all state 0000… collided there, and the distances of sets were those of one clip."""
    right = start_run(ask(split=str(split)))
    hollow = shutil.copytree(split, tmp_path / "hollow")
    index = read_json(hollow / "split.json")
    clips = [{**row, "digest": "0" * 16} for row in index["clips"]]
    write_json(hollow / "split.json", {**{k: v for k, v in index.items() if k != "digest"}, "clips": clips})
    with pytest.raises(BadInputError, match="8 of 8 clips has another digest"):
        start_run(ask(split=str(hollow)))
    write_digests(hollow)
    again = start_run(ask(split=str(hollow)))
    assert (again.path / "metrics.json").read_bytes() == (right.path / "metrics.json").read_bytes()


def test_a_split_that_was_indexed_anew_is_another_split_and_old_runs_on_it_still_compare(ask, split, toy_split):
    first, second = (start_run(ask(split=str(split), model=f"pipeline_toys:{m}")) for m in ("ToyModel", "ToyModel"))
    replace_video(split)
    write_digests(split)
    assert open_folder(split).digest != open_folder(toy_split).digest
    row = compare_sides(run_side(first.path), run_side(second.path), ["toy-speed"]).row("toy-speed")
    assert row.difference.value == 0
    third = start_run(ask(split=str(split)))
    old, new = (next(iter(read_json(run.path / "metrics.json")["metrics"].values())) for run in (first, third))
    assert old["protocol"] != new["protocol"]


def _gated(run, baseline, policy):
    policy.write_text('schema = 1\n[metrics.toy-speed]\nrelative = 0.5\nseverity = "gate"\n')
    with suppress(RegressionError):
        assert_no_regression(run, baseline, policy, trust=False)


def test_untouched_clips_are_read_by_the_check_once_unless_nothing_is_trusted(ask, split, tmp_path, monkeypatch):
    monkeypatch.setattr(stamps, "SETTLED_NS", -(10**10))
    read = []
    honest = FolderSplit.content_digest
    monkeypatch.setattr(FolderSplit, "content_digest", lambda self, clip: read.append(clip) or honest(self, clip))
    report = start_run(ask(split=str(split)))
    assert len(read) == 8
    start_run(ask(split=str(split)))
    verify_run(report.path)
    run_side(report.path)
    run, base = str(report.path), str(tmp_path / "base.json")
    update = ["baseline", "update", run, "--baseline", base, "--reason", "first"]
    gate = ["gate", run, "--baseline", base, "--draws", "50"]
    egobench(update)
    egobench(gate)
    assert len(read) == 8
    for call in (
        lambda: egobench([*update, "--no-trust"]),
        lambda: egobench([*gate, "--no-trust"]),
        lambda: _gated(run, base, tmp_path / "gate.toml"),
        lambda: start_run(ask(split=str(split)), trust=False),
        lambda: verify_run(report.path, trust=False),
        lambda: run_side(report.path, trust=False),
        lambda: rescore_run(report.path, METRICS, trust=False),
    ):
        read.clear()
        call()
        assert len(read) == 8


CLAIMS = str(Path(__file__).parents[3] / "leaderboards" / "egomini")
VERBS = {
    "egobench.validate.calibrate.check_split": ["calibrate", "pipeline_toys:ToyEyes", "--split"],
    "egobench.boards.claim_runs.run_side": ["leaderboard", "claims", CLAIMS, "--run"],
}


@pytest.mark.parametrize("place", VERBS)
def test_calibrate_and_claims_read_every_clip_where_nothing_is_trusted(split, monkeypatch, place):
    asked = []

    def refuse(_, progress, *, trust):
        asked.append(trust)
        raise BadInputError("seen enough")

    monkeypatch.setattr(place, refuse)
    words = [*VERBS[place], str(split) if "calibrate" in place else f"EgoTwin={split}"]
    assert [egobench(words), egobench([*words, "--no-trust"])] == [2, 2]
    assert asked == [True, False]


def test_a_worker_refuses_a_split_that_is_another_one_by_now(split, tmp_path):
    jobs = (
        GenerateJob("pipeline_toys:ToyModel", {}, str(split), "t2vm", "cpu", tmp_path, "f" * 64),
        ExtractJob(str(split), (), "cpu", tmp_path, tmp_path, "f" * 64),
    )
    for job in jobs:
        with pytest.raises(BadInputError, match="ffffffffffff when the work began") as error:
            job.prepare()
        assert error.value.code == "split-changed"


def test_the_tree_of_a_skeleton_of_ones_own_is_part_of_the_protocol_and_a_built_in_one_is_not(split, tmp_path):
    (metric,) = resolve_metrics("jerk")
    plain = protocol_record(metric, open_split(split), ["toy-00"], 1, "t2vm")["form"]
    assert "joints" not in plain
    assert "parents" not in plain
    index = read_json(split / "split.json")
    joints = ["pelvis", "head", "left_foot", "right_foot", "left_toe"]
    forms = []
    for name, parents in (("five-a", [-1, 0, 0, 0, 2]), ("five-b", [-1, 0, 0, 0, 3])):
        place = tmp_path / name
        place.mkdir()
        facts = {**index["facts"], "skeleton": name, "joints": joints, "parents": parents}
        (place / "split.json").write_text(json.dumps({**index, "facts": facts}))
        forms.append(protocol_record(metric, open_split(place), ["toy-00"], 1, "t2vm")["form"])
    assert [form["parents"] for form in forms] == [[-1, 0, 0, 0, 2], [-1, 0, 0, 0, 3]]
    assert forms[0]["joints"] == joints
