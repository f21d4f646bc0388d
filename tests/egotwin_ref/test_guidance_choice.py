"""The rule that chooses a row's guidance, by hand."""

import math

import pytest

pytest.importorskip("torch")

from egotwin_ref.model.configs import VARIANTS
from egotwin_ref.model.sampling import Guidance
from egotwin_ref.table.guidance_choice import (
    PARTNER,
    TEXT,
    Mean,
    Scale,
    Tried,
    best,
    columns_of,
    has_partner,
    mismatched,
    walk,
)

SCALE = Scale.of({"trans-err": [0.1, 0.1], "rot-err": [1.0, 3.0]}, {"trans-err": [0.5, 0.5], "rot-err": [10.0, 14.0]})
"""Floors 0.1 m and 2°, chances 0.5 m and 12°."""


def tried(text, partner, way):
    return Tried(Guidance(text, partner), {}, Mean(way, 0.0))


def walked(ways, partner=True):
    """Pairs that a walk over a table of ways asks for, in order, and its choice."""
    asked = []

    def measure(guidance):
        asked.append((guidance.text, guidance.partner))
        return tried(guidance.text, guidance.partner, ways[guidance.text, guidance.partner])

    found = walk(measure, partner)
    return asked, (best(found).guidance.text, best(found).guidance.partner)


def test_a_way_is_the_mean_over_columns_of_the_share_between_floor_and_chance():
    pair = Tried.of(Guidance(), {"trans-err": [0.2, 0.4], "rot-err": [2.0, 7.0]}, SCALE)
    # clips: (0.1/0.4 + 0/10) / 2 = 0.125 and (0.3/0.4 + 5/10) / 2 = 0.625
    assert pair.way.value == pytest.approx(0.375)
    assert pair.way.error == pytest.approx(0.25)  # deviation 0.5 / √2, over √2
    assert pair.columns["trans-err"].value == pytest.approx(0.3)
    assert pair.columns["rot-err"] == Mean(4.5, 2.5)


def test_the_floor_is_0_and_chance_is_1():
    for end, way in (({"trans-err": [0.1], "rot-err": [2.0]}, 0.0), ({"trans-err": [0.5], "rot-err": [12.0]}, 1.0)):
        assert Tried.of(Guidance(), end, SCALE).way.value == pytest.approx(way)


def test_a_clip_that_cannot_be_scored_counts_as_chance_and_is_counted():
    pair = Tried.of(Guidance(), {"trans-err": [0.1, math.nan]}, SCALE)
    assert pair.way.value == pytest.approx(0.5)
    assert (pair.columns["trans-err"].value, pair.columns["trans-err"].unscored) == (pytest.approx(0.3), 1)


def test_the_text_is_walked_at_partner_1_and_the_partner_at_the_best_text():
    ways = {(text, 1.0): abs(text - 2.5) for text in TEXT} | {(2.5, 2.0): -0.1, (2.5, 3.0): 0.2}
    asked, chosen = walked(ways)
    assert asked == [(1.0, 1.0), (1.5, 1.0), (2.5, 1.0), (4.0, 1.0), (7.5, 1.0), (2.5, 2.0), (2.5, 3.0)]
    assert chosen == (2.5, 2.0)


def test_a_row_without_a_partner_has_the_texts_strength_alone():
    asked, chosen = walked({(text, 1.0): text for text in TEXT}, partner=False)
    assert (len(asked), chosen) == (len(TEXT), (1.0, 1.0))


def test_of_equal_pairs_the_weaker_is_chosen():
    ways = {(text, 1.0): 0.5 for text in TEXT} | {(1.0, strength): 0.5 for strength in PARTNER}
    assert walked(ways)[1] == (1.0, 1.0)


def test_a_partner_that_does_not_help_is_not_chosen():
    ways = {(text, 1.0): 1 / text for text in TEXT} | {(7.5, 2.0): 0.2, (7.5, 3.0): 0.3}
    assert walked(ways)[1] == (7.5, 1.0)


@pytest.mark.parametrize(
    ("row", "task", "columns"),
    [
        ("egotwin", "t2vm", ("trans-err", "rot-err", "mm-dist")),
        ("egotwin", "tm2v", ("trans-err", "rot-err")),
        ("egotwin", "tv2m", ("trans-err", "rot-err", "mm-dist")),
        ("cameractrl", "tm2v", ("trans-err", "rot-err")),
        ("mld", "t2vm", ("mm-dist",)),
    ],
)
def test_columns_are_those_that_apply_to_what_a_row_makes(row, task, columns):
    assert columns_of(VARIANTS[row], task) == columns


def test_rows_that_saw_the_other_modality_unknown_have_a_partners_strength():
    assert {name for name, row in VARIANTS.items() if has_partner(row)} == {"egotwin", "wo-mr", "wo-im"}


def test_a_stranger_is_the_next_clip_of_another_recording_round_the_end():
    assert mismatched(["a", "a", "b", "c", "c"]) == [2, 2, 3, 0, 0]


def test_clips_of_one_recording_alone_are_refused():
    with pytest.raises(ValueError, match="chance needs two recordings"):
        mismatched(["a", "a"])


@pytest.mark.parametrize("chance", [[2.0, 2.0], [math.nan, 3.0]])
def test_a_chance_that_is_no_worse_than_the_floor_is_refused(chance):
    with pytest.raises(ValueError, match="chance has to be worse"):
        Scale.of({"rot-err": [2.0, 2.0]}, {"rot-err": chance})


def test_no_column_is_refused():
    with pytest.raises(ValueError, match="no column applies"):
        Tried.of(Guidance(), {}, SCALE)
