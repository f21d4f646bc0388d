"""Every table of README and docs has words alone, or a test of its figures, or a command that measures them."""

import ast
import re
import shlex

import pytest
from figures_measured import MEASURED, SENTENCES, WORDS
from figures_text import PAGES, ROOT, differing, numbers_in, sentence, table_of, tables_of, text_of

from egobench.cli.main import main

TESTED = {
    "README.md: model | i-fid (feature²) ↓ | fvd (feature²) ↓",
    "docs/ci.md: exit code | the job is red because | what to do",
    "docs/egotwin.md: stage | trains | from",
    "docs/egotwin.md:  | trans-err (m) ↓ | rot-err (deg) ↓",
    "docs/egotwin.md:  | text w_t | partner",
    "docs/estimators.md: detector | split | clips",
    "docs/estimators.md: estimator | split | clips",
    "docs/exit-codes.md: code | meaning | typical cause",
    "docs/submissions.md: motions | precision | m-fid",
}
"""Tables whose figures a test of this folder compares, but for the rows and columns in `MEASURED`."""

BENCHMARKS = [
    node.name
    for path in sorted((ROOT / "benchmarks").glob("bench_*.py"))
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("bench_")
]
"""What `make bench` runs."""


def test_every_table_is_of_one_kind_and_no_kind_names_a_table_that_is_gone():
    found = {table.key for page in PAGES for table in tables_of(page)}
    whole = {key for key, name in MEASURED if not name}
    assert found == TESTED | WORDS | whole
    assert not TESTED & whole
    assert not WORDS & (TESTED | whole)


def test_rows_and_columns_among_the_exceptions_are_there():
    tables = {table.key: table for page in PAGES for table in tables_of(page)}
    for key, name in MEASURED:
        cells = {cell.strip("`") for row in tables[key].rows for cell in row[:2]} | set(tables[key].head)
        assert not name or name in cells, (key, name)


def test_commands_that_measure_are_there(capsys):
    assert main(["--help"]) == 0
    verbs = set(re.findall(r"(?m)^  ([a-z-]+) +\S", capsys.readouterr().out))
    for command in [*MEASURED.values(), *(command for page in SENTENCES.values() for command in page.values())]:
        program, first, *options = shlex.split(command)
        if program == "egobench":
            assert first in verbs, command
        elif program == "make":
            assert re.search(rf"(?m)^{first}: ", (ROOT / "Makefile").read_text(encoding="utf-8")), command
            asked = [word for option in options for word in re.findall(r"[a-z_]{4,}", option.partition("-k")[2])]
            assert all(any(word in name for name in BENCHMARKS) for word in asked), command
        else:
            assert (ROOT / first).is_file(), command


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md"])
def test_commands_that_pages_name_are_there(page):
    text = text_of(page)
    for script in re.findall(r"(?:python|bash) (benchmarks/\S+?\.(?:py|sh))", text):
        assert (ROOT / script).is_file(), script
    for asked in re.findall(r'make bench ARGS="[^"]*-k ([^"]+)"', text):
        for word in re.findall(r"[a-z_]{4,}", asked):
            assert any(word in name for name in BENCHMARKS), asked


def test_names_of_benchmarks_are_distinct():
    assert len(set(BENCHMARKS)) == len(BENCHMARKS)


def test_tables_of_words_have_no_figure_with_decimals():
    for page in PAGES:
        for table in tables_of(page):
            if table.key in WORDS and page != "docs/submission-errors.md":  # its limits are those of the code
                assert not re.search(r"(?<![\w.])\d+\.\d+(?![\w.])", " ".join(map(" ".join, table.rows))), table.key


def test_readme_s_sentences_have_no_figure_with_decimals_that_no_test_reads():
    lines = [line for line in text_of("README.md").splitlines() if not line.startswith("|")]
    prose = re.sub(r"(?s)```.*?```|`[^`]+`", "", "\n".join(lines))
    assert re.findall(r"(?<![\w.≥-])\d+\.\d+", prose) == ["3.11"]  # of Python


@pytest.mark.parametrize("page", SENTENCES)
def test_sentences_among_the_exceptions_are_there(page):
    for template in SENTENCES[page]:
        assert sentence(page, template)


def test_exit_codes_of_the_pages_are_those_of_the_command(capsys):
    assert main(["--help"]) == 0
    codes = dict(re.findall(r"(?m)^ +(\d+)  (.+)$", capsys.readouterr().out))
    whole = table_of("docs/exit-codes.md", "code", "meaning")
    assert [row[0] for row in whole.rows] == list(codes)
    for code, meaning, *_ in whole.rows:
        assert codes[code].startswith(meaning)
    assert set(table_of("docs/ci.md", "exit code").column("exit code")) <= set(codes)


def test_a_figure_agrees_with_a_value_only_to_its_last_printed_digit():
    assert not differing(["0.106", "5,930", "−0.04", "20"], [0.10649, 5930.4, -0.0352, 19.6])
    assert differing(["0.106"], [0.1066]) == [("0.106", 0.1066)]
    assert differing(["1", "2"], [1.0])
    assert numbers_in("2.49 ± 0.27 [-0.21, +0.13], w_t 1.5, p2v") == ["2.49", "0.27", "-0.21", "+0.13", "1.5"]
