"""The floor of a distance between sets is what as many other real clips give: held against a second set drawn anew."""

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.metrics.base import Need
from egobench.metrics.foot_skate import FootSkate
from egobench.metrics.i_fid import IFID
from egobench.metrics.mm_dist import MmDist
from egobench.metrics.rot_err import RotErr
from egobench.scoring.set_floor import floor_at_full_size
from egobench.scoring.stand_ins import is_paired
from egobench.stats.frechet import frechet_distance
from egobench.stats.power_law import power_law_at
from egobench.tables.measured import FEW, few_text, marked
from egobench.tables.render import csv_text, latex, markdown
from egobench.tables.table import ModelRow, models_grid


def test_a_power_law_is_carried_on_exactly():
    x = np.array([2.0, 4.0, 8.0])
    assert power_law_at(x, 3.0 * x**-1.5, 64.0) == pytest.approx(3.0 * 64.0**-1.5)


def test_the_floor_is_the_distance_to_a_second_set_of_the_same_size():
    """Clips of a recording are alike; the truth is the mean distance of independent sets of 64 recordings."""
    rng = np.random.default_rng(0)

    def drawn():
        recordings = np.repeat(rng.normal(size=(64, 16)), 4, axis=0)
        return recordings + 0.5 * rng.normal(size=(256, 16))

    sequences = [f"s{place // 4}" for place in range(256)]
    truth = np.mean([frechet_distance(drawn(), drawn()) for _ in range(20)])
    floors = []
    for seed in range(8):
        rows = drawn()
        floors.append(floor_at_full_size(lambda a, b, rows=rows: frechet_distance(rows[a], rows[b]), sequences, seed))
    assert np.mean(floors) == pytest.approx(truth, rel=0.15)
    halves = np.mean([frechet_distance(rows[:128], rows[128:]) for rows in (drawn() for _ in range(20))])
    assert halves > 1.7 * truth  # what halves give, at half the number, is no floor of the whole


def test_groups_share_no_recording_and_are_equally_long():
    sequences = [f"s{place % 8}" for place in range(30)]
    sizes = []

    def between(first, second):
        assert not {sequences[i] for i in first} & {sequences[i] for i in second}
        assert len(first) == len(second)
        sizes.append(len(first))
        return 100.0 / len(first)

    assert floor_at_full_size(between, sequences, 0) == pytest.approx(100.0 / 30, rel=0.05)
    assert len(sizes) == 16  # eight pairs each, of halves and quarters
    assert floor_at_full_size(between, sequences, 0) == floor_at_full_size(between, sequences, 0)


def test_a_metric_without_bias_is_not_carried_on():
    assert floor_at_full_size(lambda a, b: -0.5, [str(place) for place in range(8)], 0) == -0.5


def test_seven_recordings_are_refused_with_their_number():
    with pytest.raises(BadInputError, match="7 recordings; 8 are needed") as caught:
        floor_at_full_size(lambda a, b: 1.0, [str(place) for place in range(7)], 0)
    assert caught.value.code == "floor-few"


@pytest.mark.parametrize(
    ("metric", "paired"), [(IFID(), False), (FootSkate(), False), (MmDist(), True), (RotErr(), True)]
)
def test_chance_needs_something_that_belongs_together(metric, paired):
    assert all(isinstance(need, Need) for need in metric.needs().values())
    assert is_paired(metric) is paired


def test_fewer_items_than_features_are_marked_at_the_value_and_said_below():
    detail = {"n_frames": 64, "d": 128, "n_below_d": True}
    record = {
        **{"value": 19.0, "ci95": [7.0, 31.0], "unit": "feature²", "better": "lower", "n": 8, "n_undefined": 0},
        **{"coverage": 1.0, "version": 1, "protocol": "0" * 64, "floor": None, "chance": None, "detail": detail},
    }
    assert few_text(record).startswith("64 frames for 128 features: mostly bias")
    assert few_text({**record, "detail": {**detail, "n_below_d": False}}) == ""
    assert marked("19", record) == f"19 {FEW}"
    grids = [models_grid("t", ["i-fid"], [ModelRow("static", {"i-fid": record})])]
    assert f"19 ± 12 {FEW}" in markdown(grids)
    for text in (markdown(grids), latex(grids), csv_text(grids)):
        assert "64 frames for 128 features" in text
