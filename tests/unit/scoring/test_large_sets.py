"""A set of many planned rows is scored from a file, and its numbers are those from lists."""

from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
from toy_metrics import MeanColour
from toy_splits import walk

from egobench.errors import BadInputError
from egobench.files import array_file, spill
from egobench.files.plain import plain
from egobench.plan.resolve import resolve_metrics
from egobench.run.terms import _terms
from egobench.scoring import large
from egobench.scoring.floor_and_chance import measure_floor_and_chance
from egobench.scoring.inputs import Origin
from egobench.scoring.score_set import score_set
from egobench.scoring.stand_ins import StandIns
from egobench.store.tables import ItemRow
from egobench.types import Camera, ClipInfo, HandDetections

CLIPS, SEEDS, WIDTH = 40, 2, 4
IDS = [f"toy-{number:02d}" for number in range(CLIPS)]
SHAPES = {"frames": (12, WIDTH), "clip": (2, WIDTH), "motion-features": (WIDTH,), "text": (WIDTH,)}
CAMERA = Camera(np.array([[2.0, 0, 24], [0, 2, 24], [0, 0, 1]]), 48, 48, np.diag([1.0, -1, -1, 1]))
"""It looks down, where hands hang."""


class Lender:
    """Inputs that depend on clip and seed; one sample cannot be read."""

    def __init__(self, root):
        self.infos = {
            clip: ClipInfo(clip, f"s{number // 4}", "p", f"text {number % 9}", "walk", "0" * 16)
            for number, clip in enumerate(IDS)
        }
        self.cache, self.folder = SimpleNamespace(root=root), SimpleNamespace(path=root)
        self.bad: set[str] = {"toy-07"}

    def fetch(self, need, clip_id, origin):
        owner = clip_id if need.source != "sample" else origin.stand_in(need.what) or f"{clip_id}/{origin.item.seed}"
        if owner.partition("/")[0] in self.bad and "/" in owner:
            raise BadInputError("gone", code="file-missing")
        if need.what == "camera":
            return CAMERA
        if need.what == "text" and need.extractor is None:
            return self.infos[clip_id].text
        rng = np.random.default_rng([ord(letter) for letter in owner + need.what])
        if need.what == "motion":
            return walk(rng)
        if need.what == "hands":
            return HandDetections(rng.uniform(size=(5, 2)), rng.uniform(0, 48, (5, 2, 2)), 0.5)
        return rng.normal(size=SHAPES[need.what]) + 0.2 * len(owner)


ITEMS = [
    ItemRow(clip, seed, "ok", "", "", 1, 0.1, "v", "m", "0" * 16, f"s{number // 4}", "p", "walk")
    for number, clip in enumerate(IDS)
    for seed in range(SEEDS)
]


@pytest.fixture
def both(tmp_path, monkeypatch):
    """Calls a function where sets of this size are given lists, and where they go to a file of many blocks."""

    def both(call):
        lists = call()
        monkeypatch.setattr(large, "IN_MEMORY", CLIPS - 1)
        monkeypatch.setattr(array_file, "BLOCK_BYTES", 700)
        monkeypatch.setattr(spill.SpilledList.__init__, "__defaults__", (6,))
        return lists, call()

    return both


def close(found, wanted, scale):
    """Whether two results agree to 1e-9."""
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(close(found[key], wanted[key], scale) for key in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(close(*pair, scale) for pair in zip(found, wanted, strict=True))
    return found == (pytest.approx(wanted, rel=1e-9, abs=1e-9 * scale) if isinstance(wanted, float) else wanted)


@pytest.mark.parametrize("name", ["i-fid", "fvd", "m-fid", "r-precision", "hand-score"])
def test_a_large_set_scores_as_a_small_one(name, both, tmp_path):
    (metric,) = resolve_metrics(name)
    lists, files = both(lambda: score_set(metric, Lender(tmp_path), ITEMS, draws=40))
    assert lists.status == "ok", lists.reason
    assert len(lists.lost) == SEEDS
    found, wanted = (plain(asdict(outcome)) for outcome in (files, lists))
    assert close(found, wanted, abs(lists.score.value))
    assert list(tmp_path.iterdir()) == [], "the files have no name"


@pytest.mark.parametrize("name", ["i-fid", "r-precision"])
def test_floor_and_chance_of_a_large_split_are_those_of_a_small_one(name, both, tmp_path):
    (metric,) = resolve_metrics(name)
    floor = tuple(Origin(video_of=clip, motion_of=clip) for clip in IDS)
    stand_ins = StandIns(tuple(IDS), SEEDS, floor, (*floor[8:], *floor[:8]))
    lists, files = both(lambda: measure_floor_and_chance(metric, Lender(tmp_path), stand_ins))
    assert lists.floor is not None
    assert close(plain(asdict(files)), plain(asdict(lists)), abs(lists.floor))


@pytest.mark.parametrize("name", ["fvd", "r-precision", "hand-score"])
def test_terms_of_a_large_run_are_those_of_a_small_one(name, both, tmp_path):
    (metric,) = resolve_metrics(name)
    lists, files = both(lambda: _terms(metric, Lender(tmp_path), ITEMS))
    assert close(plain(asdict(files)), plain(asdict(lists)), abs(lists.value))


def test_a_metric_without_a_way_of_its_own_is_given_lists_whatever_the_size(both, tmp_path):
    lists, files = both(lambda: score_set(MeanColour(), Lender(tmp_path), ITEMS, draws=0))
    assert (files.status, files.reason, files.score) == (lists.status, lists.reason, lists.score)
    assert not large.is_large(MeanColour(), 10**6)


def test_what_is_wrong_with_one_row_fails_the_set_in_both_ways(both, tmp_path):
    lender = Lender(tmp_path)
    usual = lender.fetch
    lender.fetch = lambda need, clip, origin: usual(need, clip, origin) * (np.nan if clip == "toy-30" else 1.0)
    (metric,) = resolve_metrics("fvd")
    lists, files = both(lambda: score_set(metric, lender, ITEMS, draws=0))
    assert lists.status == files.status == "failed"
    assert lists.reason.partition(":")[0] == files.reason.partition(":")[0] == "features-nonfinite"
