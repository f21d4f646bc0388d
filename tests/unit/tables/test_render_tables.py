"""Renderers: escaping, structure, parseable output."""

import csv
import io
import json

import pytest
from board_fixtures import document, result
from rich.console import Console

from egobench.tables.grid import Grid, GridRow
from egobench.tables.render import csv_text, escape_latex, escape_markdown, json_text, latex, markdown, terminal


@pytest.fixture
def grid():
    return Grid(
        title="A & B",
        header=("model", "i-fid ↓"),
        rows=(GridRow(("floor", "–"), faint=True), GridRow(("a|b_1", "1.0 ± 0.1"), strong=frozenset({1}))),
        rule_after=1,
        notes=("100 % of x < y",),
        records=({"model": "a|b_1", "metric": "i-fid", "value": 1.0},),
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("x_y*z`", r"x\_y\*z\`"),
        ("<script>", "&lt;script&gt;"),
        ("[a](javascript:x)", r"[a]\(javascript:x)"),
        ("one\ntwo\r\x1b[31m", "one two  [31m"),
        ("back\\slash", r"back\\slash"),
    ],
)
def test_markdown_shows_hostile_text_as_itself(text, escaped):
    assert escape_markdown(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % & #1_x$", r"50 \% \& \#1\_x\$"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("~^", r"\textasciitilde{}\textasciicircum{}"),
        ("↓ ± m/s³ –", r"$\downarrow$ $\pm$ m/s$^3$ --"),
    ],
)
def test_latex_typesets_hostile_text_as_itself(text, escaped):
    assert escape_latex(text) == escaped


def test_every_markdown_row_has_as_many_cells_as_the_header(grid):
    rows = [line for line in markdown([grid]).splitlines() if line.startswith("|")]
    assert [line.replace(r"\|", "").count("|") for line in rows] == [3, 3, 3, 3]
    assert rows[-1] == r"| a\|b\_1 | **1.0 ± 0.1** |"


def test_latex_is_booktabs_with_balanced_environments(grid):
    text = latex([grid])
    assert text.count(r"\begin{") == text.count(r"\end{") == 2
    assert text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")
    assert r"a\textbar{}b\_1 & \textbf{1.0 $\pm$ 0.1} \\" in text
    assert r"\caption{A \& B}" in text


def test_a_latex_row_that_opens_with_a_bracket_is_not_taken_for_an_option():
    text = latex([Grid("t", ("[x]", "y"), (GridRow(("[1, 2]", "3")),))])
    assert "{}[1, 2] & 3" in text


def test_csv_is_long_form_and_parses(grid):
    rows = list(csv.DictReader(io.StringIO(csv_text([grid]))))
    assert rows[0]["model"] == "a|b_1"
    assert rows[0]["value"] == "1.0"
    assert rows[0]["ci95_low"] == ""


def test_json_parses_and_has_stable_bytes(grid):
    assert json.loads(json_text([grid]))["blocks"][0]["rows"][0]["value"] == 1.0
    assert json_text([grid]) == json_text([grid])


def test_the_terminal_prints_square_brackets_of_a_model_and_obeys_a_pipe(grid):
    hostile = Grid("[bold]t", ("model", "x"), (GridRow(("[red]m[/red]", "[1.0, 2.0]")),))
    stream = io.StringIO()
    terminal([hostile, grid], Console(file=stream, width=80))
    assert "[red]m[/red]" in stream.getvalue()
    assert "[1.0, 2.0]" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="1 cells of 2"):
        Grid("t", ("a", "b"), (GridRow(("x",)),))


def test_the_fixture_is_what_the_tables_read():
    assert set(document(i_fid=result(1.0))["metrics"]) == {"i-fid"}
