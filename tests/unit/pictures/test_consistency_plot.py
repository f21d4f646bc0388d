"""The picture of one sample: drawn from what the run's own estimators saw; misspelt clips are suggested."""

from dataclasses import replace

import numpy as np
import pytest

from egobench.audit.consistency import lay, read_consistency
from egobench.cli.main import main
from egobench.errors import BadInputError
from egobench.pictures.consistency_plot import consistency_picture
from egobench.types import CameraPath

METRICS = "pipeline_toys:Astray,pipeline_toys:Grip"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from pipeline_toys import make_split

    from egobench.run.run import RunRequest, start_run

    folder = tmp_path_factory.mktemp("plot")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(folder / "cache"))
        split = str(make_split(folder / "split"))
        failing = {"fail": "toy-02=raise"}
        model = "pipeline_toys:ToyModel"
        asked = RunRequest(
            model,
            split,
            model_options=failing,
            metrics=METRICS,
            engine="inline",
            draws=0,
            out=str(folder),
            allow_failed=8,
        )
        yield start_run(asked).path


@pytest.fixture
def found(run):
    return read_consistency(run, "toy-01", 0)


def test_the_metrics_of_the_clip_and_both_estimates_are_there(found):
    assert set(found.values) == {"toy-astray"}
    assert found.laid.estimator == found.seen.estimator == "pipeline_toys:ToyEyes"
    assert len(found.laid.angles) == len(found.video.frames) == 9


def test_a_path_that_is_the_motions_own_in_another_world_lies_on_it(found):
    turned = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    poses = np.tile(np.eye(4), (9, 1, 1))
    poses[:, :3, :3] = turned @ found.head.R
    poses[:, :3, 3] = 0.5 * found.head.positions @ turned.T + [3.0, 4, 5]
    free = lay("mono", CameraPath(poses, np.ones(9, dtype=bool), "ok", "", is_metric=False), found.head)
    np.testing.assert_allclose(free.positions, found.head.positions, atol=1e-9)
    assert free.scale == pytest.approx(2.0)
    assert max(free.angles.max(), free.gaps.max()) < 1e-6
    metric = lay("metric", CameraPath(poses, np.ones(9, dtype=bool), "ok", "", is_metric=True), found.head)
    assert metric.scale == 1.0
    assert metric.gaps.max() > 0.01


def test_an_estimate_that_left_the_cache_is_made_again_and_is_the_same(run, found, tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "empty"))
    again = read_consistency(run, "toy-01", 0)
    np.testing.assert_array_equal(again.laid.positions, found.laid.positions)
    np.testing.assert_array_equal(again.seen.hands.scores, found.seen.hands.scores)


@pytest.mark.parametrize("status", ["ok", "rotation_only", "failed"])
def test_a_picture_is_written_whatever_the_estimator_said(found, tmp_path, status):
    path = replace(found.laid.path, status=status, registered=np.full(9, status != "failed"), is_metric=False)
    out = tmp_path / "new" / "clip.png"
    drawn = replace(
        found, laid=lay("toy", path, found.head), values={"trans-err": 0.25, "rot-err": "still $head$"}, notes={}
    )
    assert consistency_picture(drawn, out) == out
    assert out.read_bytes().startswith(b"\x89PNG")


def test_the_verb_prints_the_pictures_path(capsys, run, tmp_path):
    out = tmp_path / "clip.png"
    assert main(["plot", str(run), "toy-03", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_misspelt_clip_is_one_line_with_near_names_and_code_2(capsys, run):
    assert main(["plot", str(run), "toy-0x"]) == 2
    said = capsys.readouterr().err
    assert "did you mean 'toy-0" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("clip", "seed", "message"), [("toy-01", 7, "with seed 7; it has 0"), ("toy-02", 0, "failed")])
def test_a_sample_that_is_not_there_is_said_so(run, clip, seed, message):
    with pytest.raises(BadInputError, match=message) as refusal:
        read_consistency(run, clip, seed)
    assert refusal.value.code == "sample-missing"
