"""Samples made elsewhere → the same run as if the model had been here: numbers, bytes, resume, missing samples, refusals."""

import json
import shutil
from pathlib import Path

import pytest
from broken import CLIP, toml
from pipeline_toys import METRICS, make_split

from egobench.cli.main import main
from egobench.data.open import open_split
from egobench.errors import BadInputError, IncompleteRunError, NotComparableError
from egobench.files.arrays import read_npz, write_npz
from egobench.pipeline.check import check_submission
from egobench.pipeline.run import RunRequest, load_run, resume_run, start_run
from egobench.pipeline.submitted import request_for
from egobench.store.tables import read_items, read_scores
from egobench.submissions.example import write_example


@pytest.fixture
def ask(submission, toy_split, tmp_path):
    def request(folder=submission, **options):
        given = {"metrics": METRICS, "draws": 50, "out": tmp_path / "runs", **options}
        return request_for(folder, str(toy_split), **given)

    return request


def bytes_of(report):
    return (report.path / "metrics.json").read_bytes()


def values(report):
    """What a run says of the samples, and not what made them."""
    items = read_items(report.path / "items.parquet")
    parts = [(row.clip, row.seed, row.status, row.video, row.motion) for row in items]
    return json.loads(bytes_of(report))["metrics"], parts, read_scores(report.path / "scores.parquet")


def test_the_example_gives_the_numbers_of_the_reference_to_the_last_bit(toy_split, tmp_path, ask):
    folder = write_example(tmp_path / "x", open_split(toy_split))
    common = {"split": str(toy_split), "metrics": METRICS, "draws": 50, "out": str(tmp_path / "runs")}
    assert values(start_run(ask(folder))) == values(start_run(RunRequest(model="reference", **common)))


def test_the_run_says_that_it_is_a_submission_of_whom_and_of_what(ask, submission, toy_split):
    report = start_run(ask(typed=("split", "submission")))
    manifest = json.loads((report.path / "manifest.json").read_text(encoding="utf-8"))
    digest = check_submission(submission, open_split(toy_split), str(toy_split), apart=False).digest
    expected = {"submission": digest, "model": "example", "seeds": [0], "parts": ["video", "motion"], "samples": 4}
    assert manifest["submission"] == expected == manifest["model"]["settings"]
    assert manifest["model"]["name"] == "example"
    assert manifest["typed"]["submission"] == str(submission)
    assert report.path.name.split("_")[1:3] == ["example", "toy"]
    assert json.loads(bytes_of(report))["model"] == "example"
    assert str(submission) not in bytes_of(report).decode()


def test_one_or_two_workers_and_another_place_give_the_same_bytes(ask, submission, tmp_path):
    elsewhere = Path(shutil.copytree(submission, tmp_path / "elsewhere"))
    found = [bytes_of(start_run(ask(*place, workers=workers))) for place, workers in (((), 1), ((elsewhere,), 2))]
    assert found[0] == found[1]


def test_an_interrupted_run_goes_on_to_the_same_bytes_unless_a_sample_has_changed(ask, submission):
    class Stop:
        def stage(self, name, total):
            self.left = 2 if name == "generate" else 99

        def advance(self, n=1, failed=0):
            self.left -= bool(n)
            if not self.left:
                raise KeyboardInterrupt

        def done(self):
            pass

    expected = bytes_of(start_run(ask()))
    folders = []
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt, match="egobench resume") as caught:
            start_run(ask(), Stop())
        folders.append(str(caught.value).split("`egobench resume ")[1].split("`")[0])
    assert bytes_of(resume_run(folders[0])) == expected
    arrays = read_npz(submission / CLIP / "motion.npz")
    write_npz(submission / CLIP / "motion.npz", **{**arrays, "positions": arrays["positions"] + 0.001})
    with pytest.raises(NotComparableError, match="changed since it was started"):
        resume_run(folders[1])
    assert bytes_of(resume_run(folders[0])) == expected  # a run that is done needs the folder no longer


def test_missing_samples_are_failed_rows_with_a_reason_and_coverage_counts_them(ask, submission):
    shutil.rmtree(submission / CLIP)
    with pytest.raises(BadInputError, match="clip-missing: toy-01"):
        ask()
    report = start_run(ask(allow_missing=1))
    rows = {row.clip: row for row in read_items(report.path / "items.parquet")}
    assert (rows[CLIP].status, rows[CLIP].code) == ("failed", "clip-missing")
    assert rows[CLIP].reason == "the submission has no sample of this clip"
    assert (report.failed, report.results["toy-speed"].n, report.results["toy-speed"].coverage) == (1, 3, 0.75)
    assert load_run(report.path).results == report.results


def test_a_sample_that_breaks_after_the_check_is_a_failed_row_and_not_a_number(ask, submission):
    request = ask()
    (submission / CLIP / "video.mp4").write_bytes(b"")
    with pytest.raises(IncompleteRunError) as caught:
        start_run(request)
    row = next(row for row in read_items(Path(caught.value.path) / "items.parquet") if row.clip == CLIP)
    assert (row.status, row.code) == ("failed", "video-empty")
    assert row.reason == f"{CLIP}/video.mp4: 0 bytes; a video is needed"


def test_seeds_are_the_samples_of_a_clip_by_the_order_of_their_names(tmp_path, toy_split, ask):
    folder = write_example(tmp_path / "x", open_split(toy_split), seeds=2)
    toml("seeds = 2", "seeds = [42, 7]")(folder)
    for clip in (path for path in folder.iterdir() if path.is_dir()):
        (clip / "0").rename(clip / "7")
        (clip / "1").rename(clip / "42")
    report = start_run(ask(folder))
    assert [(row.seed, row.status) for row in read_items(report.path / "items.parquet")] == [(0, "ok"), (1, "ok")] * 4
    assert json.loads((report.path / "manifest.json").read_text())["submission"]["seeds"] == [7, 42]


def test_the_verb_scores_and_refuses_in_one_line(toy_split, submission, tmp_path, capsys):
    words = ["score", str(submission), "--split", str(toy_split), "--metrics", METRICS, "--draws", "20", "--quiet"]
    words += ["--out", str(tmp_path / "runs")]
    assert main([*words, "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert (found["model"], set(found["metrics"]), captured.err) == (
        "example",
        {"toy-speed", "toy-gap", "toy-colour"},
        "",
    )
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
    from egobench.pipeline.check import CheckJob, _look, _unread
    from egobench.pipeline.progress import Quiet
    from egobench.submissions.inventory import SampleFiles

    files = SampleFiles(CLIP, 0, motion=[submission / CLIP / "motion.npz"])
    found = _unread(files, "worker-died", "killed", submission)
    assert (found.code, found.clip, found.file) == ("reader-died", CLIP, CLIP)
    job = CheckJob(submission, None, None, str(toy_split))  # pyright: ignore[reportArgumentType]
    ((_, looked),) = _look(job, [files], 1, True, Quiet())
    assert [each.code for each in looked.findings] == ["reader-failed"]


def test_a_submission_for_another_split_is_refused(ask, submission, tmp_path):
    other = make_split(tmp_path / "other", sequences=3)
    with pytest.raises(BadInputError, match="clip-missing"):
        request_for(submission, str(other), metrics=METRICS)
