"""A run end to end on the toy split: numbers by hand, chance, failures as rows, worker counts, caches."""

import json
from pathlib import Path

import numpy as np
import pytest
from pipeline_toys import Speed, make_split, picture

from egobench.audit.verify import verify_run
from egobench.cli.outcome import print_run
from egobench.cli.quiet import take_quiet
from egobench.data.content import write_digests
from egobench.data.open import open_split
from egobench.errors import BadInputError, IncompleteRunError, NotComparableError
from egobench.files.motion import read_motion
from egobench.files.video import write_video
from egobench.run.report import load_run
from egobench.run.run import plan, resume_run, start_run
from egobench.store.tables import SET_CLIP, SET_SEED, read_items, read_scores

ODD = (
    "toy-00=raise;toy-01=nan;toy-02=float;toy-03=shear;toy-04=short;toy-05=none;toy-06=type;toy-07=die;"
    "toy-08=exit;toy-09=still"
)


def bytes_of(report):
    return (report.path / "metrics.json").read_bytes()


def test_a_run_is_complete_and_its_numbers_are_those_of_its_samples(ask):
    report = start_run(ask(engine="local", seeds=2, typed=("seeds",), model_options={"fail": "toy-00=threads"}))
    assert (report.planned, report.failed) == (16, 0)
    items, scores = read_items(report.path / "items.parquet"), read_scores(report.path / "scores.parquet")
    assert [(row.clip, row.seed) for row in items] == [(f"toy-{c:02d}", s) for c in range(8) for s in range(2)]
    by_hand = []
    for row in items:
        sample = report.path / "samples" / row.clip / str(row.seed)
        assert sorted(path.name for path in sample.iterdir()) == ["motion.npz", "video.mp4"]
        by_hand.append(Speed()(read_motion(sample / "motion.npz", fps=16, skeleton="xsens23")))
    found = [row.value for row in scores if row.metric == "toy-speed"]
    assert found == by_hand
    result = report.results["toy-speed"]
    assert result.value == np.mean(by_hand)
    assert result.ci95 is not None
    assert result.ci95[0] < result.value < result.ci95[1]
    assert (result.n, result.n_undefined, result.coverage) == (16, 0, 1.0)
    assert [(r.clip, r.seed) for r in scores if r.metric == "toy-colour"] == [(SET_CLIP, SET_SEED)]
    manifest = json.loads((report.path / "manifest.json").read_text())
    assert manifest["status"] == "done"
    assert manifest["typed"] == {"seeds": 2}
    assert set(manifest["protocols"]) == {result.protocol for result in report.results.values()}
    assert set(manifest["seconds"]) == {"generate", "extract", "score"}
    assert load_run(report.path) == report == resume_run(report.path)


def test_a_name_is_kept_in_the_request_and_moves_no_byte(ask):
    plain, named = start_run(ask()), start_run(ask(name="step 40k: best"))
    assert bytes_of(plain) == bytes_of(named)
    assert "_step-40k-best_" in named.path.name
    assert json.loads((named.path / "manifest.json").read_text())["request"]["name"] == "step 40k: best"
    assert resume_run(named.path) == named
    with pytest.raises(BadInputError, match="cannot be printed"):
        start_run(ask(name="=1+1"))


def test_one_two_and_three_workers_give_the_same_bytes_without_time_path_or_machine(ask, tmp_path, monkeypatch):
    found = []
    for workers in (1, 2, 3):
        monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / f"cache{workers}"))
        report = start_run(ask(workers=workers, seeds=2, model_options={"sleep": "0.005"}))
        found.append((bytes_of(report), (report.path / "scores.parquet").read_bytes()))
        assert report.path.name not in bytes_of(report).decode()
        assert str(tmp_path) not in bytes_of(report).decode()
    assert found[0] == found[1] == found[2]


def test_every_kind_of_failure_is_a_row_with_a_code_and_a_crash_takes_no_other_item_along(ask, tmp_path):
    large_split = str(make_split(tmp_path / "large", sequences=7))
    report = start_run(ask(split=large_split, workers=2, model_options={"fail": ODD}, allow_failed=9))
    items = {row.clip: row for row in read_items(report.path / "items.parquet")}
    codes = [items[f"toy-{number:02d}"].code for number in range(9)]
    expected = ["model-raised", "motion-nonfinite", "video-dtype", "motion-rotation", "motion-frames"]
    assert codes == [*expected, "sample-empty", "sample-type", "worker-died", "model-raised"]
    assert items["toy-00"].reason.startswith("ValueError: the model fell over (toy_models.py:")
    assert all(row.status == ("failed" if row.clip < "toy-09" else "ok") for row in items.values())
    assert report.failed == 9
    result = report.results["toy-speed"]
    assert (result.n, result.n_undefined, result.coverage) == (4, 1, 5 / 14)
    assert result.detail["undefined"] == {"the pelvis does not move": 1}
    assert sum(result.detail["failed"].values()) == 9
    scores = [row for row in read_scores(report.path / "scores.parquet") if row.metric == "toy-speed"]
    assert len(scores) == 14
    assert all((row.value is None) == (row.status != "ok") for row in scores)
    assert report.results["toy-colour"].n == 5
    assert report.results["toy-colour"].coverage == 5 / 14


def test_too_many_failures_are_told_after_the_run_is_complete(ask):
    with pytest.raises(IncompleteRunError, match="1 of 8 items failed, 0 are allowed") as caught:
        start_run(ask(model_options={"fail": "toy-03=raise"}))
    assert caught.value.exit_code == 4
    (path,) = Path(ask().out).iterdir()
    assert load_run(path).failed == 1
    with pytest.raises(IncompleteRunError):
        resume_run(path)


def test_attempts_are_bounded_and_counted(ask):
    options = {"fail": "toy-01=raise;toy-02=die"}
    report = start_run(ask(engine="local", attempts=3, model_options=options, allow_failed=2))
    items = {row.clip: row for row in read_items(report.path / "items.parquet")}
    assert (items["toy-00"].attempts, items["toy-01"].attempts, items["toy-02"].attempts) == (1, 3, 3)
    assert items["toy-02"].code == "worker-died"


def test_a_model_that_cannot_be_loaded_ends_the_run_in_one_line(ask):
    with pytest.raises(BadInputError, match=r"cannot be loaded: RuntimeError: no such weights") as caught:
        start_run(ask(model_options={"fail": "load"}))
    assert caught.value.code == "model-load"
    (path,) = Path(ask().out).iterdir()
    assert json.loads((path / "manifest.json").read_text())["status"] == "failed"


def test_a_model_that_kills_its_process_while_loading_ends_the_run(ask):
    with pytest.raises(BadInputError, match="died while it loaded"):
        start_run(ask(engine="local", model_options={"fail": "load-die"}))


@pytest.mark.parametrize("part", [{"seeds": 3}, {"limit": 3}])
def test_chance_is_what_the_shuffled_control_measures_to_the_last_bit(ask, part):
    results = start_run(ask(model="pipeline_toys:Shuffled", **part)).results
    assert results["toy-gap"].value == results["toy-gap"].chance
    for name in ("toy-speed", "toy-colour"):  # one part alone, and two sets: who belongs to whom does not enter
        assert results[name].chance is None
        assert "does not enter" in results[name].detail["yardstick"]["chance"]
    other = plan(ask(**part)).protocols
    assert {result.protocol for result in results.values()} == set(other)  # so any model is given the same chance


def test_floor_is_the_metric_on_the_reference(ask, toy_split):
    split = open_split(toy_split)
    by_hand = [Speed()(split.clip(info.clip_id).reference.motion) for info in split.infos()]
    assert start_run(ask()).results["toy-speed"].floor == np.mean(by_hand)


def test_a_split_too_small_for_strangers_says_so(ask, tmp_path):
    results = start_run(ask(split=str(make_split(tmp_path / "small", sequences=1)))).results
    assert all(result.chance is None for result in results.values())
    assert "a third" in results["toy-speed"].detail["yardstick"]["chance"]
    assert results["toy-colour"].floor is None
    assert "8 are needed" in results["toy-colour"].detail["yardstick"]["floor"]
    assert results["toy-speed"].ci95 is None


@pytest.mark.parametrize(
    ("parts", "absent"), [("motion", {"toy-gap", "toy-colour"}), ("video", {"toy-gap", "toy-speed"})]
)
def test_a_part_the_model_does_not_make_is_not_applicable_and_not_failed(ask, parts, absent):
    report = start_run(ask(model_options={"parts": parts}))
    assert report.failed == 0
    for name, result in report.results.items():
        if name in absent:
            assert (result.value, result.n, result.ci95) == (None, 0, None)
            assert result.detail["not_applicable"].startswith("the model makes no ")
        else:
            assert (result.n, result.coverage) == (8, 1.0)


def test_features_are_extracted_once_and_again_after_a_flipped_bit(ask, tmp_path, monkeypatch, own_cache):
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    first = start_run(ask())
    assert len(log.read_text()) == 16  # 8 samples and 8 references
    second = start_run(ask())
    assert len(log.read_text()) == 16
    for entry in sorted(path for path in own_cache.rglob("*") if path.is_file()):
        data = bytearray(entry.read_bytes())
        data[-3] ^= 16
        entry.write_bytes(data)
    third = start_run(ask())
    assert len(log.read_text()) == 32
    assert bytes_of(first) == bytes_of(second) == bytes_of(third)


def test_references_that_cannot_be_read_are_failed_items(ask, tmp_path):
    split = make_split(tmp_path / "bad", sequences=5)
    video = split / "toy-00" / "video.mp4"
    video.write_bytes(video.read_bytes()[:-500])
    (split / "toy-01" / "video.mp4").write_bytes(b"")
    write_video(split / "toy-02" / "video.mp4", picture(np.random.default_rng(0)).frames, 30)
    (split / "toy-03" / "video.mp4").write_text("no video")
    (split / "toy-04" / "motion.npz").write_bytes((split / "toy-05" / "motion.npz").read_bytes()[:300])
    (split / "toy-05" / "video.mp4").unlink()
    report = start_run(ask(split=str(split), allow_failed=6))
    codes = [row.code for row in read_items(report.path / "items.parquet")]
    video_codes = ["unreadable", "empty", "rate", "unreadable"]
    expected = [f"reference-video-{code}" for code in video_codes]
    assert codes == [*expected, "reference-npz-unreadable", "reference-video-missing", *[""] * 4]
    assert report.results["toy-speed"].n == 4
    assert report.results["toy-speed"].detail["yardstick"]["floor_clips_missing"] == 6


def test_a_sample_that_was_changed_by_hand_is_made_again_or_refused(ask):
    report = start_run(ask())
    good, sample = bytes_of(report), report.path / "samples" / "toy-03" / "0"
    (sample / "motion.npz").write_bytes((report.path / "samples/toy-04/0/motion.npz").read_bytes())
    manifest = json.loads((report.path / "manifest.json").read_text())
    (report.path / "manifest.json").write_text(json.dumps({**manifest, "status": "started"}))
    assert bytes_of(resume_run(report.path)) == good


def test_a_run_whose_split_has_changed_is_not_resumed(ask, tmp_path):
    split = make_split(tmp_path / "mine")
    report = start_run(ask(split=str(split)))
    manifest = json.loads((report.path / "manifest.json").read_text())
    (report.path / "manifest.json").write_text(json.dumps({**manifest, "status": "started"}))
    index = json.loads((split / "split.json").read_text())
    index["clips"][0]["text"] = "walk backwards"
    (split / "split.json").write_text(json.dumps(index))
    write_digests(split)
    with pytest.raises(NotComparableError, match="split digest"):
        resume_run(report.path)


def test_progress_hears_of_every_item(ask):
    heard = []

    class Listener:
        def stage(self, name, total):
            heard.append([name, total, 0, 0])

        def advance(self, n=1, failed=0):
            heard[-1][2] += n
            heard[-1][3] += int(failed)

        def done(self):
            pass

    start_run(ask(model_options={"fail": "toy-01=raise"}, allow_failed=1), Listener())
    stages = [["checking toy", 8, 8, 0], ["generate", 8, 8, 1], ["extract", 15, 15, 0], ["score", 4, 4, 0]]
    assert heard == stages


def test_nothing_is_written_for_a_request_that_cannot_be_met(ask):
    for change in ({"metrics": "nonsense"}, {"model": "nonsense"}, {"engine": "nonsense"}, {"split": "nonsense"}):
        with pytest.raises(Exception, match="nonsense"):
            start_run(ask(**change))
    assert not Path(ask().out).exists()


def test_tm2v_shows_the_motion_and_tv2m_the_video(toy_split):
    from egobench.run.generate import condition_for

    clip = open_split(toy_split).clip("toy-00")
    given = condition_for(clip, "tm2v")
    assert (given.task, given.motion is clip.reference.motion, given.video) == ("tm2v", True, None)
    given = condition_for(clip, "tv2m")
    assert (given.task, given.video is clip.reference.video, given.motion) == ("tv2m", True, None)
    assert condition_for(clip, "t2vm") is clip.condition


def test_a_motion_out_of_convention_fails_and_an_odd_one_is_scored_with_a_warning(ask, capsys):
    report = start_run(
        ask(model_options={"fail": "toy-00=turned;toy-01=half;toy-02=half"}, allow_failed=1, keep_going=True)
    )
    rows = {row.clip: row for row in read_items(report.path / "items.parquet")}
    assert (rows["toy-00"].status, rows["toy-00"].code) == ("failed", "motion-yaw")
    assert (rows["toy-01"].status, rows["toy-01"].code) == ("ok", "motion-precision")
    assert rows["toy-01"].reason.startswith("positions are float16 in steps of ")
    assert (rows["toy-03"].code, rows["toy-03"].reason) == ("", "")
    assert report.failed == 1
    assert verify_run(report.path).flaws == []
    take_quiet([])  # an earlier test may have said --quiet
    print_run(load_run(report.path).path, as_json=False)
    said = capsys.readouterr().err
    assert "warning motion-precision: 2 of 8 samples: positions are float16 in steps of " in said
