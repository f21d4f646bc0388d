"""A user's code may work in place on what it is lent, or change the working folder: no number moves by it."""

from pathlib import Path

import numpy as np
import pytest
from rude_toys import Speed, Tripling, TriplingSet
from toy_splits import walk

from egobench.data.open import open_split
from egobench.run.generate import GenerateJob
from egobench.run.run import start_run
from egobench.scoring.score import collect, score_items, try_set
from egobench.store.tables import ItemRow
from egobench.types import ClipInfo


@pytest.mark.parametrize("task", ["t2vm", "tm2v", "tv2m"])
def test_what_a_model_does_in_place_is_not_seen_by_the_next_seed(task, toy_split, tmp_path):
    sample = GenerateJob("rude_toys:InPlace", {}, str(toy_split), task, "cpu", tmp_path).prepare()
    first, second = (sample(("toy-00", seed)) for seed in (0, 1))
    assert first["motion"] == second["motion"]
    assert first["video"] == second["video"]


def test_a_model_is_lent_no_view_into_the_truth(toy_split):
    seen = []

    class Spy:
        def sample(self, condition, *, seed):
            seen.append(condition)
            raise ValueError

    job = GenerateJob("rude_toys:InPlace", {}, str(toy_split), "t2vm", "cpu", Path("unused"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rude_toys.InPlace.load", lambda self, device: Spy())
        with pytest.raises(Exception, match="ValueError"):
            job.prepare()(("toy-00", 0))
    assert seen[0].first_frame.base is None
    assert seen[0].first_pose.positions.base is None


def test_samples_lie_in_the_run_though_the_model_goes_to_another_folder(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = ask(model="rude_toys:Wanderer", out="runs", metrics="pipeline_toys:Deed", limit=1, engine="local")
    report = start_run(request)
    assert report.failed == 0
    assert (tmp_path / report.path / "samples" / "toy-00" / "0" / "motion.npz").is_file()


class Lender:
    """Inputs that lend out one motion and one array of features."""

    def __init__(self):
        self.motion = walk(np.random.default_rng(0), speed=1.0)
        self.infos = {"toy-00": ClipInfo("toy-00", "s", "p", "walk", "walk", "0" * 16)}

    def fetch(self, need, clip_id, origin):
        return self.motion if need.what == "motion" else np.ones((9, 3))


ROW = ItemRow("toy-00", 0, "ok", "", "", 1, 0.1, "v", "m", "0" * 16, "s", "p", "walk")


def test_a_metric_that_works_in_place_leaves_the_others_alone(tmp_path):
    columns = score_items({"a": Tripling(), "b": Speed()}, Lender(), [ROW], tmp_path)
    assert columns["a"].numbers == [1.0]
    assert columns["b"].numbers == pytest.approx([1.0])


def test_a_set_metric_that_works_in_place_is_told_so():
    rows = collect(TriplingSet(), Lender(), [("toy-00", ROW)])
    outcome = try_set(TriplingSet(), rows, np.zeros(1, int), draws=0)
    assert (outcome.status, outcome.score) == ("failed", None)
    assert "read-only" in outcome.reason


def test_the_toy_split_is_whole_after_all_this(toy_split):
    split = open_split(str(toy_split))
    assert split.content_digest("toy-00") == split.infos()[0].digest
