"""What counts as a metric that notices: ladders by hand, forgiven steps, metrics that sleep or run the wrong way."""

import pytest

from egobench.validate.verdicts import Point, is_in_order, judge_unmoved, judge_worse, tells_pairs


def points(*values, half=0.1):
    return [Point(value, None if half is None else (value - half, value + half)) for value in values]


@pytest.mark.parametrize(
    ("values", "better", "verdict"),
    [
        ((1, 2, 3), "lower", "monotone"),
        ((3, 2, 1), "higher", "monotone"),
        ((3, 2, 1), "lower", "wrong way"),
        ((1, 2, 3), "higher", "wrong way"),
        ((1, 1, 1), "lower", "flat"),
        ((1, 1.03, 1.05), "lower", "flat"),
        ((1, 3, 2), "lower", "not monotone"),
        ((1, 3, 2.96), "lower", "monotone"),  # a step back of 0.04, half a half-width is 0.05
        ((1, 3, 2.94), "lower", "not monotone"),
        ((1, 0.5, 3), "lower", "not monotone"),
    ],
)
def test_ladders_by_hand(values, better, verdict):
    found, why = judge_worse(points(*values), better, 0.0)
    assert found == verdict
    assert bool(why) == (verdict != "monotone")


def test_without_intervals_every_step_counts():
    assert judge_worse(points(0, 0, 1, half=None), "lower", 0.0)[0] == "monotone"
    assert judge_worse(points(0, 1, 0.999, half=None), "lower", 0.0)[0] == "not monotone"
    assert judge_worse(points(1, 1 + 1e-12, half=None), "lower", 0.0)[0] == "flat"


def test_a_change_below_the_resolution_means_nothing():
    assert judge_worse(points(0, 0.5, half=None), "lower", 1.0)[0] == "flat"
    assert judge_worse(points(0, 2, 1.5, half=None), "lower", 1.0)[0] == "monotone"
    assert judge_unmoved(points(0, 0.5, half=None), 1.0)[0] == "unmoved"
    assert judge_unmoved(points(0, 1.5, half=None), 1.0)[0] == "moved"


def test_a_rung_without_a_value_is_said_and_not_passed_over():
    rungs = [*points(1), Point(None, None, "no hand anywhere"), *points(3)]
    for judge in (lambda: judge_worse(rungs, "lower", 0.0), lambda: judge_unmoved(rungs, 0.0)):
        verdict, why = judge()
        assert verdict == "undefined"
        assert why == "rung 1 has no value: no hand anywhere"


def test_unmoved_means_within_the_first_interval():
    assert judge_unmoved(points(1, 1.09, 0.91), 0.0)[0] == "unmoved"
    verdict, why = judge_unmoved(points(1, 1.0, 1.11), 0.0)
    assert verdict == "moved"
    assert why == "rung 2 has 1.11 [1.01, 1.21], the first 1 [0.9, 1.1]"


def test_order_needs_each_value_outside_the_other_s_interval():
    near, far = points(1, 1.05, half=0.1), points(1, 1.2, half=0.1)
    assert not is_in_order(*near, "lower")
    assert is_in_order(*far, "lower")
    assert not is_in_order(*far, "higher")
    assert is_in_order(*far[::-1], "higher")


def test_pairs_are_told_apart_where_the_intervals_are():
    assert tells_pairs(*points(1, 1.3), "lower") is True
    assert tells_pairs(*points(1, 1.15), "lower") is False  # overlap: 1.05 to 1.1
    assert tells_pairs(*points(1.3, 1), "lower") is False
    assert tells_pairs(*points(1.3, 1), "higher") is True
    assert tells_pairs(Point(None), *points(1), "lower") is None
