"""The page of the benchmarks: by hand from two frozen results, ratios to peers, bars, and what it refuses."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FROZEN = ROOT / "tests" / "golden" / "bench"
BEFORE, AFTER = FROZEN / "before.json", FROZEN / "after.json"


@pytest.fixture(scope="module")
def page() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        import page

        yield page


def cells(text: str, *beginning: str) -> list[list[str]]:
    """Rows of the table whose figure begins so; a group's name stands in its first row only."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if row[1].startswith(beginning)]


def test_a_figure_of_ours_has_a_row_for_each_peer_of_its_group(page):
    rows = cells(page.page(page.read(AFTER)), "frechet")
    assert [row[3:5] for row in rows] == [
        ["torch-fidelity: 200 ms CPU", "200 × as fast"],
        ["torchmetrics: 250 ms CPU", "250 × as fast"],
    ]
    assert rows[0][0] == "Fréchet distance, 64 rows, 512 features"
    assert rows[1][0] == ""
    assert {row[2] for row in rows} == {"1 ms CPU"}


def test_peers_have_no_row_of_their_own(page):
    text = page.page(page.read(AFTER))
    assert not cells(text, "startup[python -c pass]")
    assert len(cells(text, "startup")) == 1


def test_a_figure_is_for_one_unit_and_a_command_shows_cpu_and_memory(page):
    text = page.page(page.read(AFTER))
    (workers,) = cells(text, "workers_extract")
    assert workers[2:5] == ["500 ms a clip", "one worker: 1 s a clip", "2 × as fast"]
    (memory,) = cells(text, "score_given_memory")
    assert memory[2:7] == ["40 s", "–", "–", "70 s", "1,500 MiB"]


@pytest.mark.parametrize(
    ("path", "figure", "bar"),
    [
        (AFTER, "startup[--help]", "at most 1.5 × as long: reached"),
        (BEFORE, "startup[--help]", "at most 1.5 × as long: **missed**"),
        (AFTER, "score_given_memory", "at most 2,048 MiB: reached"),
        (BEFORE, "score_given_memory", "at most 2,048 MiB: **missed**"),
        (AFTER, "workers_extract", "at least 1.8 × as fast: reached"),
        (BEFORE, "workers_extract", "at least 1.8 × as fast: **missed**"),
    ],
)
def test_a_bar_is_reached_or_missed(page, path, figure, bar):
    (row,) = cells(page.page(page.read(path)), figure)
    assert row[-1] == bar


def test_a_bar_without_its_peer_is_not_measured(page):
    document = page.read(AFTER)
    document["benchmarks"] = [one for one in document["benchmarks"] if not one["extra_info"].get("peer")]
    (row,) = cells(page.page(document), "startup[--help]")
    assert row[-1] == "at most 1.5 × as long: not measured"
    assert row[3:5] == ["–", "–"]


def test_before_and_after_show_the_change_both_ratios_and_both_memories(page):
    text = page.compared(page.read(BEFORE), page.read(AFTER))
    (memory,) = cells(text, "score_given_memory")
    assert memory[2:5] == ["60 s", "40 s", "-33 %"]
    assert memory[8:10] == ["2,250 MiB", "1,500 MiB"]
    (fidelity, _) = cells(text, "frechet")
    assert fidelity[5:8] == ["torch-fidelity", "133 × as fast", "200 × as fast"]
    (start,) = cells(text, "startup")
    assert start[6:8] == ["1.8 × as long", "1.2 × as long"]


def test_a_figure_that_only_one_result_has_is_shown_without_a_change(page):
    text = page.compared(page.read(BEFORE), page.read(AFTER))
    (gone,), (new,) = cells(text, "gone"), cells(text, "new")
    assert gone[2:5] == ["500 ms", "–", "–"]
    assert new[2:5] == ["–", "25 µs", "–"]


def test_results_of_two_machines_say_so(page):
    before, after = page.read(BEFORE), page.read(AFTER)
    assert "differ" not in page.compared(before, after)
    after["machine_info"]["cores"] = 64
    assert "**The machines differ** (cores)" in page.compared(before, after)


def test_the_machine_the_load_and_the_commit_stand_on_top(page):
    first = page.page(page.read(AFTER)).splitlines()[0]
    for word in (
        "Some Processor 9000, 2 cores",
        "load 0.1 before and 1.2 after",
        "commit bbbbbbbbbbbb;",
        "torch 2.14.1",
    ):
        assert word in first


@pytest.mark.parametrize("text", ["{", "[]", '{"benchmarks": []}'])
def test_a_file_that_is_no_result_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "no.json").write_text(text)
    command = [sys.executable, str(ROOT / "benchmarks" / "page.py"), str(tmp_path / "no.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no.json is no" in done.stderr.splitlines()[-1]


def test_the_command_prints_both_pages(page):
    script = str(ROOT / "benchmarks" / "page.py")
    one, two = (
        subprocess.run([sys.executable, script, *map(str, paths)], capture_output=True, text=True, check=True).stdout
        for paths in ([AFTER], [BEFORE, AFTER])
    )
    assert one == page.page(page.read(AFTER)) + "\n"
    assert two == page.compared(page.read(BEFORE), page.read(AFTER)) + "\n"


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks" / "results").glob("*.json")), ids=lambda path: path.name)
def test_kept_results_have_a_page_and_no_raw_times(page, path):
    document = page.read(path)
    assert page.lines(page.figures(document))
    assert all("data" not in one["stats"] for one in json.loads(path.read_text(encoding="utf-8"))["benchmarks"])
