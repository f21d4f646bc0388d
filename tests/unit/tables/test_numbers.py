"""Numbers in tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egobench.tables.numbers import head_text, plain_text, reasons_text, share_text, value_text


@pytest.mark.parametrize(
    ("value", "ci95", "text"),
    [
        (98.17, (96.8, 99.6), "98.2 ± 1.4"),  # half-width 1.4: one decimal
        (0.62, (0.608, 0.632), "0.620 ± 0.012"),  # half-width 0.012: three decimals
        (1033.52, (1000.0, 1067.0), "1034 ± 34"),  # half-width 33.5: no decimals
        (0.5, (0.4004, 0.5996), "0.50 ± 0.10"),  # half-width 0.0996 rounds to 0.10, not to 0.100
        (10.0, (9.9, 12.0), "10.0 [9.9, 12.0]"),  # arms 0.1 and 2.0: lopsided
        (9.0, (9.5, 10.5), "9.00 [9.50, 10.50]"),  # a bootstrapped Fréchet distance lies beside its interval
        (0.0, (0.0, 0.0), "0 ± 0"),
        (98.17, None, "98.17"),
        (None, None, "–"),
        (float("nan"), None, "–"),
        (3e7, (2e7, 4e7), "3e+07 [2e+07, 4e+07]"),
    ],
)
def test_the_interval_decides_how_many_digits_a_value_keeps(value, ci95, text):
    assert value_text(value, ci95) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.03124, "0.03124"), (1033.52, "1034"), (2.50, "2.5"), (-0.5, "-0.5"), (1e-7, "1e-07"), (None, "–")],
)
def test_a_number_without_interval_keeps_four_significant_digits(value, text):
    assert plain_text(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100 %"), (0.99999, "99.9 %"), (0.0, "0 %"), (1e-9, "0.1 %"), (None, "–")]
)
def test_only_a_whole_share_reads_as_a_hundred_percent(share, text):
    assert share_text(share) == text


def test_a_head_has_unit_and_arrow():
    assert head_text("foot-skate", {"unit": "m/s", "better": "lower"}) == "foot-skate (m/s) ↓"
    assert head_text("clip-sim", {"unit": "", "better": "higher"}) == "clip-sim ↑"


def test_reasons_come_commonest_first():
    detail = {"undefined": {"no contact": 2, "still head": 5}}
    assert reasons_text({"detail": detail}, "undefined") == "still head (5); no contact (2)"
    assert reasons_text({"detail": {}}, "undefined") == ""


def test_rare_reasons_are_counted_together():
    detail = {"failed": {"a": 9, "b": 8, "c": 7, "d": 6, "e": 5}}
    assert reasons_text({"detail": detail}, "failed") == "a (9); b (8); c (7); others (11)"


@given(
    value=st.floats(-1e5, 1e5),
    arms=st.tuples(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3)),
)
def test_a_printed_value_is_within_its_own_rounding_of_the_truth(value, arms):
    low, high = value - arms[0], value + arms[1]
    printed = float(value_text(value, (low, high)).split()[0])
    assert abs(printed - value) <= 0.051 * (high - low) / 2 + 1e-9


def test_rounding_noise_is_not_printed_as_a_measurement():
    assert plain_text(2e-16) == "≈ 0"
    assert plain_text(0.0) == "0"
    assert value_text(1.8e-16, (1.6e-16, 2e-16)) == "≈ 0"
    assert value_text(2e-9, (1e-9, 3e-9)) != "≈ 0"
