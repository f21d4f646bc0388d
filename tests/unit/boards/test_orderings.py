"""The paper's orderings, as data."""

import tomllib
from pathlib import Path

import pytest

from egobench.boards.board import read_board
from egobench.boards.orderings import read_orderings
from egobench.errors import BadInputError

LEADERBOARDS = Path(__file__).parents[3] / "leaderboards"
TABLE = """
[[table]]
title = "A table"
subject = "Ours"
columns = [
  { name = "Err", metric = "toy-err", better = "lower", decimals = 2 },
  { name = "Hit", metric = "toy-hit", better = "higher", decimals = 1 },
]
rows = [
  { model = "Ours", values = { "Err" = 1.10, "Hit" = 0.5 } },
  { model = "Base", values = { "Err" = 1.40, "Hit" = 0.7 } },
  { model = "Same", values = { "Err" = 1.10 } },
]
"""


@pytest.fixture
def published(tmp_path):
    """Orderings of a published.toml with this content."""

    def read(text):
        (tmp_path / "published.toml").write_text(text, encoding="utf-8")
        return read_orderings(tmp_path / "published.toml")

    return read


def test_an_ordering_has_the_rows_difference_and_who_is_ahead(published):
    err, hit = published(TABLE).orderings
    assert (err.row, err.metric, err.difference, err.lead) == ("Base", "toy-err", 0.3, "first")
    assert (hit.row, hit.metric, hit.difference, hit.lead) == ("Base", "toy-hit", 0.2, "second")


def test_equal_numbers_and_missing_ones_are_no_ordering(published):
    assert published(TABLE).rows == ["Base"]


def test_tables_without_a_subject_claim_nothing(published):
    assert len(published(TABLE + TABLE.replace('subject = "Ours"\n', "")).orderings) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('subject = "Ours"', "", "no subject"),
        ('subject = "Ours"', 'subject = "Mine"', "has 0 rows of its subject 'Mine'"),
        ('metric = "toy-hit", ', "", "Hit lacks our name of it"),
        ('better = "higher"', 'better = "up"', "Hit has better = 'up'"),
        ('model = "Same", values = { "Err" = 1.10 }', 'model = "Base", values = { "Err" = 9.1 }', "Base stands twice"),
        ("decimals = 1", "digits = 1", "a table lacks 'decimals'"),
    ],
)
def test_a_damaged_table_is_refused_by_name(published, old, new, message):
    with pytest.raises(BadInputError, match=message):
        published(TABLE.replace(old, new))


def test_two_subjects_are_refused(published):
    with pytest.raises(BadInputError, match=r"2 subjects \(Ours, Base\)"):
        published(TABLE + TABLE.replace('subject = "Ours"', 'subject = "Base"'))


def test_the_papers_tables_hold_thirty_orderings_and_egotwin_leads_in_each():
    paper = read_orderings(LEADERBOARDS / "published.toml")
    assert paper.subject == "EgoTwin"
    assert paper.rows == ["VidMLD", "w/o MR", "w/o IM", "w/o AD"]
    assert [sum(ordering.row == row for ordering in paper.orderings) for row in paper.rows] == [9, 7, 7, 7]
    assert {ordering.lead for ordering in paper.orderings} == {"first"}
    trans = next(each for each in paper.orderings if (each.row, each.metric) == ("w/o AD", "trans-err"))
    assert (trans.column, trans.subject_value, trans.row_value, trans.difference) == ("TransErr", 0.67, 0.74, 0.07)


def test_columns_of_the_paper_are_columns_of_the_board_under_their_own_names():
    content = tomllib.loads((LEADERBOARDS / "published.toml").read_text(encoding="utf-8"))
    names = {column["name"]: column["metric"] for table in content["table"] for column in table["columns"]}
    assert names == {
        **{"I-FID": "i-fid", "FVD": "fvd", "CLIP-SIM": "clip-sim", "M-FID": "m-fid", "R-Prec": "r-precision"},
        **{"MM-Dist": "mm-dist", "TransErr": "trans-err", "RotErr": "rot-err", "HandScore": "hand-score"},
    }
    assert set(names.values()) <= set(read_board(LEADERBOARDS / "egomini").metrics)
