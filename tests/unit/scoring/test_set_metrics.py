"""Features of clips and motions through a run: extracted once, presets by name, floor and chance, refusals."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pipeline_toys import FACTS, ClipColour, Deed, ToyEvaluator, make_split

from egobench.data.open import open_split
from egobench.errors import BadInputError, UnknownNameError
from egobench.files.motion import read_motion
from egobench.metrics.base import Need
from egobench.metrics.m_fid import MFid
from egobench.metrics.mm_dist import MmDist
from egobench.metrics.r_precision import RPrecision
from egobench.plan.availability import check_metric, usable_metrics
from egobench.plan.resolve import by_group_only, metric_labels, preset_of, resolve_metrics
from egobench.run.run import plan, start_run
from egobench.store.tables import SET_CLIP, read_scores

EVALUATOR = "pipeline_toys:ToyEvaluator"
MOTION = ",".join(f"{name}:{EVALUATOR}" for name in ("m-fid", "r-precision", "mm-dist"))
TOYS = "pipeline_toys:ClipColour,pipeline_toys:Deed"


@pytest.fixture(scope="module")
def large_split(tmp_path_factory):
    return str(make_split(tmp_path_factory.mktemp("large") / "split", sequences=18))


def features_of(split, report):
    """Motion features of all samples, seed after seed of each clip, and of references; texts by clip."""
    look, rows = ToyEvaluator(), sorted((report.path / "samples").glob("*/*"))
    motions = [read_motion(row / "motion.npz", fps=16, skeleton="xsens23") for row in rows]
    clips = [row.parent.name for row in rows]
    references = [look.motion(split.clip(clip).reference.motion) for clip in clips]
    texts = [split.clip(clip).condition.text for clip in clips]
    return clips, [look.motion(motion) for motion in motions], references, texts


# numbers


def test_motion_metrics_and_their_floors_are_those_of_the_features_of_samples_and_references(ask, large_split):
    report = start_run(ask(split=large_split, metrics=MOTION, seeds=2))
    split = open_split(large_split)
    clips, samples, references, texts = features_of(split, report)
    assert len(clips) == 72
    infos = {info.clip_id: info for info in split.infos()}
    groups = np.unique([infos[clip].sequence for clip in clips], return_inverse=True)[1]
    sides = {"sample": [row.astype("f8") for row in samples], "reference": [row.astype("f8") for row in references]}
    expected = MFid(EVALUATOR).score(sides, clips, groups, draws=50, seed=0)
    result = report.results["m-fid"]
    assert (result.value, result.ci95) == (expected.value, expected.ci95)
    assert result.detail["multimodality"] == expected.detail["multimodality"] > 0
    assert result.n == 72
    said = [ToyEvaluator().text(text).astype("f8") for text in texts]
    inputs = {"motion": sides["sample"], "text": said, "caption": texts}
    assert (
        report.results["r-precision"].value == RPrecision(EVALUATOR).score(inputs, clips, groups, draws=0, seed=0).value
    )
    distances = [MmDist(EVALUATOR)(*pair) for pair in zip(sides["sample"], said, strict=True)]
    assert report.results["mm-dist"].value == np.mean(distances)
    rows = read_scores(report.path / "scores.parquet")
    assert [row.metric for row in rows if row.clip == SET_CLIP] == ["m-fid", "r-precision"]
    # floor: the references as samples; where a set is compared with them, as many others (`test_set_floor.py`)
    inputs["motion"] = sides["reference"]
    floor = RPrecision(EVALUATOR).score(inputs, clips, groups, draws=0, seed=0).value
    assert report.results["r-precision"].floor == floor
    distances = [MmDist(EVALUATOR)(*pair) for pair in zip(sides["reference"], said, strict=True)]
    assert report.results["mm-dist"].floor == np.mean(distances)
    assert result.floor > 0


def test_chance_is_what_the_shuffled_control_measures_to_the_last_bit(ask, large_split):
    metrics = f"{MOTION},{TOYS}"
    results = start_run(ask(model="pipeline_toys:Shuffled", split=large_split, metrics=metrics, seeds=2)).results
    paired = ("r-precision", "mm-dist")
    assert {name: results[name].value for name in paired} == {name: results[name].chance for name in paired}
    assert (results["m-fid"].value, results["m-fid"].chance) == (0.0, None)  # a set does not know who is whose
    assert results["r-precision"].detail["collapse"]["chance"]["3"] == pytest.approx(3 / 32)


def test_fewer_clips_than_a_pool_are_undefined_in_a_run_and_no_failure(ask):
    report = start_run(ask(metrics=MOTION))
    result = report.results["r-precision"]
    assert (report.failed, result.value, result.n, result.n_undefined) == (0, None, 0, 8)
    assert result.detail["undefined"] == {"8 clips; a pool needs 32": 1}
    assert result.detail["yardstick"]["floor"] == "8 clips; a pool needs 32"


# extraction


def test_a_motion_is_looked_at_once_for_all_metrics_and_never_again(ask, tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    first = start_run(ask(metrics=f"{MOTION},{TOYS}"))
    assert log.read_text() == "m" * 16  # 8 samples and 8 references
    second = start_run(ask(metrics=f"{MOTION},{TOYS}"))
    assert log.read_text() == "m" * 16
    assert (first.path / "metrics.json").read_bytes() == (second.path / "metrics.json").read_bytes()


def test_one_worker_and_three_give_the_same_bytes(ask, tmp_path, monkeypatch):
    found = []
    for workers in (1, 3):
        monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / f"cache{workers}"))
        report = start_run(ask(metrics=f"{MOTION},{TOYS}", seeds=2, workers=workers))
        found.append((report.path / "metrics.json").read_bytes())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("parts", "absent"), [("motion", ["toy-clip"]), ("video", ["m-fid", "mm-dist", "r-precision"])]
)
def test_a_part_the_model_does_not_make_is_not_applicable(ask, parts, absent):
    report = start_run(ask(metrics=f"{MOTION},pipeline_toys:ClipColour", model_options={"parts": parts}))
    found = [name for name, result in report.results.items() if "not_applicable" in result.detail]
    assert found == absent
    assert report.failed == 0


def test_features_that_cannot_be_made_of_a_motion_fail_its_metrics_and_no_other(ask, monkeypatch):
    monkeypatch.setenv("TOY_DEAF", "1")
    report = start_run(ask(metrics=f"mm-dist:{EVALUATOR},pipeline_toys:ClipColour", allow_failed=8))
    assert report.failed == 8
    (reason,) = report.results["mm-dist"].detail["failed"]
    assert reason.startswith("extractor-raised: ValueError: cannot look at this")
    assert report.results["toy-clip"].n == 8


def test_an_extractor_that_lacks_the_method_is_told_by_name(ask):
    report = start_run(ask(metrics="pipeline_toys:Deed:pipeline_toys:ToyExtractor", allow_failed=8))
    (reason,) = report.results["toy-deed"].detail["failed"]
    assert reason.startswith("extractor-part: pipeline_toys:ToyExtractor has no method `motion`")


def test_whole_clips_and_motions_have_no_raw_form():
    for what in ("clip", "motion-features", "camera-path", "hands"):
        with pytest.raises(BadInputError, match="name its extractor"):
            Need("sample", what)


# names and presets


def test_a_preset_is_written_behind_the_name_and_stands_in_the_protocol(ask):
    (metric,) = resolve_metrics("fvd:i3d.crop")
    assert (metric.name, metric.preset) == ("fvd", "i3d.crop")
    assert [preset_of(metric) for metric in resolve_metrics("i-fid:inception.tf, jerk")] == ["inception.tf", ""]
    (metric,) = resolve_metrics("pipeline_toys:ClipColour:egomini-clip")
    assert metric == ClipColour("egomini-clip")
    asked = plan(ask(metrics=f"mm-dist:{EVALUATOR}"))
    (record,) = asked.protocols.values()
    assert list(asked.labelled) == ["mm-dist"]
    assert record["metric"]["preset"] == EVALUATOR
    assert list(record["extractors"]) == [EVALUATOR]


def test_a_metric_with_one_preset_keeps_its_name_and_with_two_each_carries_its_own():
    assert metric_labels(resolve_metrics("jerk,fvd:i3d.crop")) == ("fvd", "jerk")
    both = resolve_metrics("fvd:i3d.stylegan-v,jerk,fvd:i3d.crop,fvd:i3d.crop")
    assert metric_labels(both) == ("fvd:i3d.crop", "fvd:i3d.stylegan-v", "jerk")
    default = resolve_metrics("fvd")[0].preset
    assert metric_labels(resolve_metrics("fvd,fvd:i3d.crop")) == (f"fvd:{default}", "fvd:i3d.crop")


def test_two_presets_of_one_metric_in_one_run_are_two_results(ask):
    report = start_run(ask(metrics=f"pipeline_toys:Deed,pipeline_toys:Deed:{__name__}:Louder,pipeline_toys:ClipColour"))
    quiet, loud = f"toy-deed:{EVALUATOR}", f"toy-deed:{__name__}:Louder"
    assert sorted(report.results) == sorted(["toy-clip", quiet, loud])
    assert report.results[loud].value == 2 * report.results[quiet].value
    assert report.results[loud].protocol != report.results[quiet].protocol
    assert {row.metric for row in read_scores(report.path / "scores.parquet")} == set(report.results)
    assert json.loads((report.path / "manifest.json").read_text())["metrics"] == sorted(report.results)


class Louder(ToyEvaluator):
    """Twice the features."""

    name = "louder"

    def definition(self):
        return {}

    def motion(self, motion):
        return 2 * super().motion(motion)


def test_presets_that_are_none_are_refused_with_near_names():
    with pytest.raises(UnknownNameError, match=r"did you mean 'i3d\.crop'"):
        resolve_metrics("fvd:i3d.crap")
    with pytest.raises(BadInputError, match=r"metric 'jerk' has no presets; found 'jerk:i3d\.crop'"):
        resolve_metrics("jerk:i3d.crop")
    with pytest.raises(UnknownNameError, match="did you mean 'jerk'"):
        resolve_metrics("jerkk")


# refused before anything is sampled


def refused(ask, **changes):
    with pytest.raises(BadInputError) as caught:
        start_run(ask(**changes))
    assert not Path(ask().out).exists()
    assert "\n" not in str(caught.value)
    return caught.value


def test_missing_weights_are_told_with_metric_preset_file_hash_and_cure(ask, monkeypatch):
    monkeypatch.setenv("TOY_WEIGHTS", "missing")
    error = refused(ask, metrics=f"mm-dist:{EVALUATOR}")
    assert error.code == "weights-missing"
    cure = f"no toy.bin (sha256 {'0' * 64}); `egobench weights pull toy` gets it"
    assert str(error) == f"mm-dist ({EVALUATOR}): {cure}"


def test_a_split_of_a_form_that_metric_or_extractor_cannot_take_is_refused(ask, monkeypatch):
    error = refused(ask, metrics="fvd:pipeline_toys:ToyEvaluator")
    assert (error.code, str(error)) == ("split-form", f"fvd ({EVALUATOR}): 9 video frames; fvd needs 10 or more")
    monkeypatch.setenv("TOY_LONG", "1")
    assert "10 or more are needed" in str(refused(ask, metrics=TOYS))

    other = SimpleNamespace(facts={**vars(FACTS), "skeleton": "kit21"})
    with pytest.raises(BadInputError, match="skeleton kit21; xsens23 is needed"):
        check_metric(Deed(), other)


def test_an_extractor_that_says_it_does_not_make_such_features_is_refused(ask):
    error = refused(ask, metrics=f"i-fid:{EVALUATOR}")
    assert (error.code, str(error)) == (
        "metric-preset",
        f"i-fid ({EVALUATOR}): {EVALUATOR} provides motion, text, clip, not frames",
    )


def test_core_leaves_out_what_cannot_be_had_and_says_why(toy_split, monkeypatch):
    monkeypatch.setenv("TOY_WEIGHTS", "missing")
    split, metrics = open_split(toy_split), resolve_metrics("jerk,fvd:pipeline_toys:ToyEvaluator," + MOTION)
    usable, left_out = usable_metrics(metrics, split, leave_out={metric.name for metric in metrics})
    assert [metric.name for metric in usable] == ["jerk"]
    assert sorted(left_out) == ["fvd", "m-fid", "mm-dist", "r-precision"]
    assert "10 or more" in left_out["fvd"]
    assert "weights pull" in left_out["m-fid"]
    with pytest.raises(BadInputError):
        usable_metrics(metrics, split)
    with pytest.raises(BadInputError, match="no metric can be had"):
        usable_metrics(resolve_metrics(MOTION), split, leave_out=by_group_only("all"))
    del os.environ["TOY_WEIGHTS"]
    with pytest.raises(BadInputError, match="not frames"):  # a mistake, not a lack: an error in `core` too
        usable_metrics(resolve_metrics(f"jerk,i-fid:{EVALUATOR}"), split, leave_out=by_group_only("all"))


def test_a_split_that_the_preset_cannot_take_names_the_presets_that_can(monkeypatch):
    monkeypatch.delenv("EGOBENCH_PATHS", raising=False)
    smoke = open_split("egomini-smoke")
    K = np.array(smoke.facts["intrinsics"], dtype=float) * 4
    K[2, 2] = 1
    large = SimpleNamespace(facts={**smoke.facts, "width": 256, "height": 256, "intrinsics": K.tolist()})
    _, left_out = usable_metrics(resolve_metrics("core"), large, leave_out=by_group_only("core"))
    assert set(left_out) >= {"rot-err", "trans-err", "sync-lag"}
    for name in ("rot-err", "sync-lag"):
        assert "egomini-odometry sees 64 × 64" in left_out[name]
        assert f"{name}:rotation-chain` takes them" in left_out[name]
    assert "rotation-chain" not in left_out["trans-err"]  # its paths have no positions
    assert "path-file" not in str(left_out)
    usable, _ = usable_metrics(resolve_metrics("rot-err:rotation-chain"), large)
    assert len(usable) == 1
