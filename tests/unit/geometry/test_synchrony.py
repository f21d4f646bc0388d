"""The lag of two series: known shifts, what has no lag, numpy's correlation as witness."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from egobench.geometry.synchrony import angular_speed, correlation_lag

TIMES = np.arange(40) / 8


def speed(times):
    """A head that turns twice, quickly and slowly."""
    return 40 * np.exp(-(((times - 1.8) / 0.4) ** 2)) + 15 * np.exp(-(((times - 3.4) / 0.6) ** 2))


def lag(first, second, valid=None, largest=8, least_overlap=20):
    known = np.ones(first.shape, dtype=bool) if valid is None else valid
    return correlation_lag(first, second, known, largest=largest, least_overlap=least_overlap)


# by hand


def test_angular_speed_of_an_even_turn():
    R = Rotation.from_euler("z", 3.0 * np.arange(5)[:, None], degrees=True).as_matrix()
    np.testing.assert_allclose(np.degrees(angular_speed(R, 8.0)), [24.0] * 4)


@pytest.mark.parametrize("frames", [-6, -1, 0, 1, 4])
def test_a_shift_by_whole_frames_is_found(frames):
    found = lag(speed(TIMES - frames / 8), speed(TIMES))
    assert found.lag == pytest.approx(frames, abs=0.05)
    assert found.correlation == pytest.approx(1, abs=1e-6)
    assert found.is_inside


@pytest.mark.parametrize("frames", [-2.5, 0.25, 0.5, 1.7])
def test_a_shift_by_a_part_of_a_frame_is_found(frames):
    assert lag(speed(TIMES - frames / 8), speed(TIMES)).lag == pytest.approx(frames, abs=0.1)


def test_equal_series_have_no_lag_at_all():
    assert lag(speed(TIMES), speed(TIMES)).lag == pytest.approx(0, abs=1e-12)


# theory


def test_scale_and_offset_of_either_series_do_not_enter():
    first = lag(speed(TIMES - 0.2), speed(TIMES))
    second = lag(3 * speed(TIMES - 0.2) + 5, 0.1 * speed(TIMES))
    assert second.lag == pytest.approx(float(first.lag), abs=1e-9)
    assert second.correlation == pytest.approx(float(first.correlation))


def test_exchanged_series_have_the_opposite_lag():
    first, second = speed(TIMES - 0.3), speed(TIMES)
    assert lag(first, second).lag == pytest.approx(-float(lag(second, first).lag), abs=1e-9)


def test_steps_that_are_not_known_do_not_matter():
    valid = np.ones(40, dtype=bool)
    valid[[5, 14, 30]] = False
    first = speed(TIMES - 0.25)
    spoilt = np.where(valid, first, 1e3)
    assert lag(spoilt, speed(TIMES), valid).lag == pytest.approx(2, abs=0.1)


def test_a_batch_gives_what_each_clip_gives():
    first = np.stack([speed(TIMES - shift) for shift in (0.1, -0.4, 0.0)])
    second = np.stack([speed(TIMES), speed(TIMES), np.full(40, 3.0)])
    found = lag(first, second)
    for k in range(2):
        assert found.lag[k] == pytest.approx(float(lag(first[k], second[k]).lag))
    assert np.isnan(found.lag[2])


# no lag: said, not made up


def test_a_series_that_never_varies_has_no_lag():
    for flat in (np.zeros(40), np.full(40, 7.3)):
        found = lag(speed(TIMES), flat)
        assert np.isnan(found.lag)
        assert np.isnan(found.correlation)
        assert not found.is_inside


def test_a_correlation_that_keeps_rising_is_no_peak():
    found = lag(speed(TIMES - 1.5), speed(TIMES))
    assert not found.is_inside


def test_too_few_known_steps_have_no_lag():
    valid = np.arange(40) < 10
    assert np.isnan(lag(speed(TIMES), speed(TIMES), valid).lag)


# outside witness


def test_numpy_has_the_same_correlation():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 40))
    found = lag(first, second, largest=3)
    scores = {
        shift: np.corrcoef(first[max(shift, 0) : 40 + min(shift, 0)], second[max(-shift, 0) : 40 - max(shift, 0)])[0, 1]
        for shift in range(-3, 4)
    }
    assert found.correlation == pytest.approx(max(scores.values()))
    assert round(float(found.lag)) == pytest.approx(max(scores, key=scores.get), abs=1)
