"""Samples made elsewhere → the same run as if the model had been here: numbers, bytes, resume, missing samples."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from broken import CLIP, toml
from pipeline_toys import METRICS, make_split

from egobench.audit.verify import verify_run
from egobench.cli.main import main
from egobench.data.open import open_split
from egobench.errors import BadInputError, IncompleteRunError, NotComparableError
from egobench.files.arrays import read_npz, write_npz
from egobench.files.digest import digest_file
from egobench.geometry.skeleton import SMPL22, XSENS23
from egobench.run.report import load_run
from egobench.run.run import RunRequest, resume_run, start_run
from egobench.run.submitted import request_for
from egobench.store.tables import read_items, read_scores
from egobench.submissions.check import check_submission
from egobench.submissions.example import write_example


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One for all runs here: each of them starts processes, which is what these tests cost."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(cache))


@pytest.fixture(scope="module")
def ask(toy_split, tmp_path_factory):
    def request(folder, **options):
        given = {"metrics": METRICS, "draws": 50, "out": tmp_path_factory.mktemp("runs"), **options}
        aids = {name: given.pop(name) for name in ("body_model", "skeleton_map") if name in given}
        asked = RunRequest(model="", split=str(toy_split), submission=str(folder), **given)
        return request_for(asked, **aids, apart=False)

    return request


@pytest.fixture(scope="module")
def example(toy_split, tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("example") / "x", open_split(toy_split))


@pytest.fixture(scope="module")
def scored(example, ask, cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(cache))
        return start_run(ask(example, typed=("split", "submission")))


def with_other_joints(folder, path, skeleton="xsens23"):
    """Turns the order of all joints in a submission round, puts one more first, and writes the map that says so."""
    for file in folder.glob("*/motion.npz"):
        arrays = read_npz(file)
        kept = {name: arrays[name] for name in arrays.keys() - {"positions", "rotations"}}
        turned = {name: arrays[name][:, ::-1] for name in ("positions", "rotations")}
        write_npz(file, **kept, **{name: np.concatenate([a[:, :1], a], axis=1) for name, a in turned.items()})
    names = ["Finger", *(f"My {joint}" for joint in reversed(XSENS23.joints))]
    joints = "\n".join(f'"My {joint}" = "{joint}"' for joint in XSENS23.joints)
    path.write_text(f"skeleton = {json.dumps(skeleton)}\nnames = {json.dumps(names)}\n[joints]\n{joints}\n")
    return path


def test_joints_of_ones_own_are_scored_by_a_map_with_the_numbers_of_ours(example, ask, scored, toy_split, tmp_path):
    folder = Path(shutil.copytree(example, tmp_path / "x"))
    themap = with_other_joints(folder, tmp_path / "map.toml")
    with pytest.raises(BadInputError) as caught:
        ask(folder)
    assert caught.value.code == "motion-skeleton"
    report = start_run(ask(folder, skeleton_map=themap))
    assert values(report) == values(scored)
    said = json.loads((report.path / "manifest.json").read_text())
    assert str(tmp_path) not in json.dumps(said["model"])
    assert digest_file(themap) in json.dumps(said)


def test_a_map_to_another_skeleton_than_the_splits_is_an_error(example, toy_split, tmp_path):
    folder = Path(shutil.copytree(example, tmp_path / "x"))
    themap = with_other_joints(folder, tmp_path / "map.toml")
    names = {f"My {joint}": joint for joint in SMPL22.joints}
    lines = "\n".join(f'"{their}" = "{our}"' for their, our in names.items())
    themap.write_text(f'skeleton = "smpl22"\nnames = {json.dumps(list(names))}\n[joints]\n{lines}\n')
    report = check_submission(
        folder, open_split(toy_split), str(toy_split), open_split, in_processes=False, skeleton_map=themap
    )
    assert {each.code for each in report.errors} == {"skeleton-map"}
    assert "a map to smpl22; the split has xsens23" in report.errors[0].line()


def test_a_map_that_is_not_there_is_said(example, toy_split, tmp_path, capsys):
    for verb in ("check", "score"):
        words = [verb, str(example), "--split", str(toy_split), "--skeleton-map", str(tmp_path / "none.toml")]
        assert main(words) == 2
        assert "no such skeleton map" in capsys.readouterr().err


def bytes_of(report):
    return (report.path / "metrics.json").read_bytes()


def values(report):
    """What a run says of the samples, and not what made them."""
    items = read_items(report.path / "items.parquet")
    parts = [(row.clip, row.seed, row.status, row.video, row.motion) for row in items]
    return json.loads(bytes_of(report))["metrics"], parts, read_scores(report.path / "scores.parquet")


def test_the_example_gives_the_numbers_of_the_reference_to_the_last_bit(scored, toy_split, tmp_path):
    common = {
        "split": str(toy_split),
        "metrics": METRICS,
        "draws": 50,
        "out": str(tmp_path / "runs"),
        "engine": "inline",
    }
    assert values(scored) == values(start_run(RunRequest(model="reference", **common)))


def test_the_run_says_that_it_is_a_submission_of_whom_and_of_what(scored, example, toy_split):
    manifest = json.loads((scored.path / "manifest.json").read_text(encoding="utf-8"))
    digest = check_submission(example, open_split(toy_split), str(toy_split), open_split, in_processes=False).digest
    expected = {"submission": digest, "model": "example", "seeds": [0], "parts": ["video", "motion"], "samples": 4}
    assert manifest["submission"] == expected == manifest["model"]["settings"]
    assert manifest["model"]["name"] == "example"
    assert manifest["typed"]["submission"] == str(example)
    assert scored.path.name.split("_")[1:3] == ["example", "toy"]
    assert json.loads(bytes_of(scored))["model"] == "example"
    assert str(example) not in bytes_of(scored).decode()
    assert load_run(scored.path) == resume_run(scored.path) == scored


def test_verified_its_samples_are_read_again_and_other_ones_are_noticed(scored, example):
    found = verify_run(scored.path)
    assert (found.flaws, found.unchecked) == ([], [])
    motion = example / CLIP / "motion.npz"
    before = motion.read_bytes()
    try:
        motion.write_bytes(before + b"x")
        found = verify_run(scored.path)
    finally:
        motion.write_bytes(before)
    assert found.flaws == [], "the run is what it was"
    assert "has other settings, weights or samples here" in found.unchecked[0]


def test_a_finished_run_says_so_when_its_submission_has_changed(scored, example, tmp_path, monkeypatch):
    assert bytes_of(resume_run(scored.path)) == bytes_of(scored)
    motion, about = example / CLIP / "motion.npz", example / "submission.toml"
    for file, edit, what in (
        (motion, lambda data: data + b"x", "submission"),
        (about, lambda data: data.replace(b"model", b"modell"), "submission.toml"),
    ):
        before = file.read_bytes()
        try:
            file.write_bytes(edit(before))
            with pytest.raises(NotComparableError, match=f"is finished, and its submission has changed since .*{what}"):
                resume_run(scored.path)
            assert main(["resume", str(scored.path)]) == 3
        finally:
            file.write_bytes(before)
    assert bytes_of(resume_run(scored.path)) == bytes_of(scored)
    moved = example.rename(example.with_name("gone"))
    try:
        assert bytes_of(resume_run(scored.path)) == bytes_of(scored), "the run kept its samples"
    finally:
        moved.rename(example)


class Stop:
    """Ctrl-C after the second sample."""

    def stage(self, name, total):
        self.left = 2 if name == "generate" else 99

    def advance(self, n=1, failed=0):
        self.left -= bool(n)
        if not self.left:
            raise KeyboardInterrupt

    def done(self):
        pass


def test_interrupted_with_two_workers_and_in_another_place_it_ends_in_the_same_bytes(scored, example, ask, tmp_path):
    folder = Path(shutil.copytree(example, tmp_path / "elsewhere"))
    with pytest.raises(KeyboardInterrupt, match="egobench resume") as caught:
        start_run(ask(folder, workers=2), Stop())
    run = str(caught.value).split("`egobench resume ")[1].split("`")[0]
    whole = (folder / CLIP / "motion.npz").read_bytes()
    arrays = read_npz(folder / CLIP / "motion.npz")
    write_npz(folder / CLIP / "motion.npz", **{**arrays, "positions": arrays["positions"] + 0.001})
    with pytest.raises(NotComparableError, match="changed since it was started"):
        resume_run(run)
    (folder / CLIP / "motion.npz").write_bytes(whole)
    assert bytes_of(resume_run(run)) == bytes_of(scored)


def test_missing_and_broken_samples_are_failed_rows_with_a_reason(ask, toy_split, tmp_path):
    """Of two samples per clip, by the order of their names; one clip is missing, one sample breaks after the check."""
    folder = write_example(tmp_path / "x", open_split(toy_split), seeds=2)
    toml("seeds = 2", "seeds = [42, 7]")(folder)
    for clip in (path for path in folder.iterdir() if path.is_dir()):
        (clip / "0").rename(clip / "7")
        (clip / "1").rename(clip / "42")
    shutil.rmtree(folder / CLIP)
    with pytest.raises(BadInputError, match="clip-missing: toy-01"):
        ask(folder, allow_failed=1)
    request = ask(folder, allow_failed=2)
    (folder / "toy-02" / "42" / "video.mp4").write_bytes(b"")
    with pytest.raises(IncompleteRunError, match="3 of 8 items failed, 2 are allowed") as caught:
        start_run(request)
    rows = read_items(Path(caught.value.path) / "items.parquet")
    failed = {(row.clip, row.seed): (row.code, row.reason) for row in rows if row.status == "failed"}
    assert failed == {
        (CLIP, 0): ("clip-missing", "the submission has nothing of this clip"),
        (CLIP, 1): ("clip-missing", "the submission has nothing of this clip"),
        ("toy-02", 1): ("video-empty", "toy-02/42/video.mp4: 0 bytes; a video is needed"),
    }
    result = load_run(Path(caught.value.path)).results["toy-speed"]
    assert (result.n, result.coverage) == (5, 5 / 8)
    manifest = json.loads((Path(caught.value.path) / "manifest.json").read_text())
    assert manifest["submission"]["seeds"] == [7, 42]


def test_the_verb_scores_and_refuses_in_one_line(toy_split, submission, tmp_path, capsys):
    words = [
        "score",
        str(submission),
        "--split",
        str(toy_split),
        "--metrics",
        "pipeline_toys:Speed",
        "--draws",
        "20",
        "--quiet",
    ]
    words += ["--out", str(tmp_path / "runs")]
    assert main([*words, "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert (found["model"], set(found["metrics"]), captured.err) == ("example", {"toy-speed"}, "")
    manifest = json.loads((Path(found["path"]) / "manifest.json").read_text())
    assert set(manifest["typed"]) == {"split", "metrics", "draws", "out", "submission"}
    shutil.rmtree(tmp_path / "runs")
    (submission / CLIP / "motion.npz").write_bytes(b"")
    (submission / "toy-02" / "video.mp4").unlink()
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"egobench: {submission}: error npz-empty: {CLIP}/motion.npz: 0 bytes")
    assert "2 errors in all" in captured.err
    assert (captured.err.count("\n"), captured.out) == (1, "")
    assert not (tmp_path / "runs").exists()


def test_what_brings_a_reader_down_takes_no_other_sample_along(tmp_path, toy_split, submission):
    """A worker that dies is told from its files; here it is asked for a form that its own code cannot know."""
    from egobench.progress import Quiet
    from egobench.submissions.check import CheckJob, _look, _unread
    from egobench.submissions.inventory import SampleFiles

    files = SampleFiles(CLIP, 0, motion=[submission / CLIP / "motion.npz"])
    found = _unread(files, "worker-died", "killed", submission)
    assert (found.code, found.clip, found.file) == ("reader-died", CLIP, CLIP)
    job = CheckJob(submission, None, None, str(toy_split), open_split)  # pyright: ignore[reportArgumentType]
    ((_, looked),) = _look(job, [files], 1, True, Quiet())
    assert [each.code for each in looked.findings] == ["reader-failed"]


def test_a_submission_for_another_split_is_refused(ask, submission, tmp_path):
    other = make_split(tmp_path / "other", sequences=3)
    with pytest.raises(BadInputError, match="clip-missing"):
        request_for(RunRequest("", str(other), submission=str(submission), metrics=METRICS), apart=False)
