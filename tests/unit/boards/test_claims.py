"""The paper's orderings against runs: words by hand, Holm over all of them, notes, refusals, the two files."""

import json
import sys
from importlib import import_module
from itertools import count
from pathlib import Path

import pytest

from egobench.boards.claim_runs import split_labels
from egobench.boards.claims import find_claims
from egobench.boards.claims_files import write_claims
from egobench.boards.claims_page import page_text, summary_lines
from egobench.cli.main import main
from egobench.errors import BadInputError, NotComparableError, UnknownNameError

ROOT = Path(__file__).parents[3]
FLAT = [float(k) for k in range(10)]
"""Ten recordings of one clip each."""


@pytest.fixture(scope="module")
def toys():
    """The helpers of the comparison's tests."""
    folder = str(ROOT / "tests" / "unit" / "compare")
    sys.path.append(folder)
    yield import_module("compare_toys")
    sys.path.remove(folder)


@pytest.fixture
def found(toys, tmp_path):
    """Claims of the toys' board against runs with these scores; several of a label are training seeds."""

    calls = count()

    def make(runs, *, board=None, **options):
        given, place = [], tmp_path / f"runs{next(calls) or ''}"
        for label, seeds in runs.items():
            for scores in seeds if isinstance(seeds, list) else [seeds]:
                folder = place / f"r{len(given)}"
                given.append((label, toys.make_run(folder, scores, windows=1, **options.get(label, {}))))
        return find_claims(board or toys.claims_board(tmp_path), given)

    return make


def both(err, hit):
    """Scores of a run, each FLAT plus a change per clip."""
    return {
        name: [value + change for value, change in zip(FLAT, changes, strict=True)]
        for name, changes in (("toy-err", err), ("toy-hit", hit))
    }


def flips(size, count):
    """The same change on ten clips, turned round on the first few."""
    return [-size] * count + [size] * (10 - count)


OURS = both([0.0] * 10, [0.0] * 10)


def words(claims):
    return [(claim.row, claim.metric, claim.word) for claim in claims]


def test_holm_adjusts_over_all_claims_of_the_paper_by_hand(found):
    # Sign flips of ten equal changes, all 1024 of them: with none, one, two turned round 2, 22, 112 are as large.
    runs = {
        "Ours": OURS,
        "Base": both(flips(1, 0), flips(-1, 1)),
        "w/o A": both(flips(1, 1), flips(-1, 2)),
    }
    claims = found(runs).claims
    assert [claim.compared.difference.p * 1024 for claim in claims] == pytest.approx([2, 22, 22, 112])
    # 4 × 2, 3 × 22, then 2 × 22 which may not fall below the one before it, 1 × 112
    assert [claim.p_holm * 1024 for claim in claims] == pytest.approx([8, 66, 66, 112])
    assert [claim.word for claim in claims] == ["holds", "undecided", "undecided", "undecided"]
    assert claims[1].reason == "p after Holm is 0.064"  # alone it would have had 0.021


def test_claims_that_are_not_measured_are_no_tests_for_holm(found):
    claims = found({"Ours": OURS, "Base": both(flips(1, 0), flips(-1, 1))}).claims
    assert [claim.p_holm and claim.p_holm * 1024 for claim in claims] == pytest.approx([4, 22, None, None])
    assert [claim.word for claim in claims] == ["holds", "holds", "not measured", "not measured"]
    assert claims[2].reason == "there is no run of w/o A"


def test_an_order_the_other_way_round_is_reversed(found):
    claims = found({"Ours": OURS, "Base": both(flips(-1, 0), flips(1, 0))}).claims
    assert [claim.word for claim in claims[:2]] == ["reversed", "reversed"]
    assert [claim.compared.difference.value for claim in claims[:2]] == [-1, 1]


def test_where_the_paper_has_its_own_model_behind_the_row_must_lead(found, toys, tmp_path):
    published = toys.PUBLISHED.replace('"Err" = 3.0', '"Err" = 0.5')
    board = toys.claims_board(tmp_path, published=published)
    claims = found({"Ours": OURS, "Base": both(flips(-1, 0), flips(-1, 0))}, board=board).claims
    assert (claims[0].paper.difference, claims[0].word, claims[1].word) == (-0.5, "holds", "holds")


@pytest.mark.parametrize(("seed_change", "word"), [(0.5, "holds"), (1.0, "undecided"), (1.5, "undecided")])
def test_an_ordering_must_be_larger_than_the_training_noise(found, seed_change, word):
    other = both([seed_change] * 10, [0.25] * 10)
    claims = found({"Ours": [OURS, other], "Base": both(flips(1, 0), flips(-1, 0))})
    err, hit = claims.claims[:2]
    assert (err.noise, err.word, hit.noise, hit.word) == (seed_change, word, 0.25, "holds")
    assert not err.has_one_seed
    assert claims.noise["toy-err"].seeds == {"Ours": 2}
    page = page_text(claims)
    assert f"| toy-err ↓ | Ours | Ours 2 | {seed_change:g} |" in page
    assert "one seed”" not in page


def test_noise_is_kept_of_rows_and_protocols_that_are_still_the_same(found, toys, tmp_path):
    board = toys.claims_board(tmp_path)
    other = both([0.5] + [0.0] * 9, [-0.25] + [0.0] * 9)
    base = both(flips(1, 0), flips(-1, 1))
    with_seed = found({"Ours": [OURS, other], "Base": base}, board=board)
    write_claims(board, with_seed)

    again = found({"Ours": OURS, "Base": base}, board=board)
    assert {metric: noise.value for metric, noise in again.noise.items()} == {
        metric: noise.value for metric, noise in with_seed.noise.items()
    }
    assert again.noise["toy-err"].is_kept
    assert again.noise["toy-err"].runs == {"Ours": ("r0", "r1")}
    assert words(again.claims) == words(with_seed.claims)
    assert "toy-err, toy-hit: measured for an earlier writing of this file, by r0, r1" in page_text(again)
    write_claims(board, again)
    assert found({"Ours": OURS, "Base": base}, board=board).noise == again.noise  # a second time too

    trained_again = both([0.125] * 10, [0.0] * 10)
    assert set(found({"Ours": trained_again, "Base": base}, board=board).noise) == {"toy-hit"}
    new_seed = found({"Ours": [OURS, both([0.125] * 10, [0.125] * 10)], "Base": base}, board=board)
    assert (new_seed.noise["toy-err"].value, new_seed.noise["toy-err"].is_kept) == (0.125, False)


@pytest.mark.parametrize(("off", "kept"), [(1e-12, True), (1e-6, False)])
def test_noise_outlives_rounding_and_no_other_change_of_a_value(found, toys, tmp_path, off, kept):
    board = toys.claims_board(tmp_path)
    base = both(flips(1, 0), flips(-1, 1))
    write_claims(board, found({"Ours": [OURS, both([0.5] * 10, [0.5] * 10)], "Base": base}, board=board))
    data = json.loads((board / "claims.json").read_text())
    for claim in data["claims"]:
        if claim["measured"]:
            claim["measured"]["first"] *= 1 + off
    (board / "claims.json").write_text(json.dumps(data))
    assert bool(found({"Ours": OURS, "Base": base}, board=board).noise) == kept


def test_a_damaged_earlier_file_is_named(found, toys, tmp_path):
    board = toys.claims_board(tmp_path)
    (board / "claims.json").write_text('{"noise": {"toy-err": 3}, "rows": {}}')
    with pytest.raises(BadInputError, match="delete the file") as refusal:
        found({"Ours": OURS}, board=board)
    assert refusal.value.code == "claims-damaged"


def test_the_noise_is_taken_from_any_row_that_has_two_seeds(found):
    base = [both(flips(1, 0), flips(-1, 0)), both([3.0] * 10, flips(-1, 0))]
    claims = found({"Ours": OURS, "Base": base, "Other": both(flips(1, 0), flips(1, 0))})
    assert (claims.noise["toy-err"].value, claims.noise["toy-err"].row) == (2.0, "Base")
    assert claims.claims[0].compared.difference.value == 1.0  # the first run is the row of record
    assert [claim.word for claim in claims.claims[:2]] == ["undecided", "holds"]
    assert [claim.word for claim in claims.beyond] == ["undecided", "better"]


def test_without_a_second_seed_it_is_said_and_every_verdict_is_marked(found):
    claims = found({"Ours": OURS, "Base": both(flips(1, 0), flips(-1, 1))})
    assert [claim.has_one_seed for claim in claims.claims] == [True, True, False, False]
    page = page_text(claims)
    assert "No row has a second training seed" in page
    assert page.count("holds (one seed) |") == 2
    assert "not measured (one seed)" not in page


def test_other_systems_are_better_or_worse_and_have_a_holm_of_their_own(found):
    runs = {"Ours": OURS, "Base": both(flips(1, 0), flips(-1, 1)), "Other": both(flips(1, 1), flips(1, 0))}
    claims = found(runs)
    assert words(claims.beyond) == [("Other", "toy-err", "worse"), ("Other", "toy-hit", "better")]
    assert [claim.p_holm * 1024 for claim in claims.beyond] == pytest.approx([22, 4])
    assert [claim.p_holm * 1024 for claim in claims.claims[:2]] == pytest.approx([4, 22])
    assert "| Other | toy-hit (m) ↑ | 4.5, 5.5 | +1 | 0.0039 | **better (one seed)** |" in page_text(claims)


def test_a_column_that_a_row_does_not_make_is_not_applicable(found, toys):
    runs = {"Ours": OURS, "Other": both(flips(1, 0), flips(1, 0))}
    claims = found(runs, Other={"lacks": ("toy-hit",)})
    assert words(claims.beyond) == [("Other", "toy-err", "worse"), ("Other", "toy-hit", "not applicable")]
    assert claims.beyond[1].reason == f"Other: {toys.LACKING}"
    assert claims.beyond[0].p_holm == claims.beyond[0].compared.difference.p  # one test is left
    assert "Other, toy-hit: not applicable: Other: the model makes no motion" in page_text(claims)


def test_a_column_that_the_board_does_not_have_is_not_applicable(found, toys, tmp_path):
    board = toys.claims_board(tmp_path, recipe=toys.RECIPE.replace(', "toy-hit"', ""))
    claims = found({"Ours": OURS, "Base": both(flips(1, 0), flips(1, 0))}, board=board).claims
    assert [claim.word for claim in claims[:2]] == ["holds", "not applicable"]
    assert claims[1].reason == "the board has no such column"


def test_a_metric_that_was_not_scored_is_not_measured(found):
    claims = found({"Ours": OURS, "Base": {"toy-err": FLAT}}).claims
    assert (claims[1].word, claims[1].reason) == ("not measured", "the run of Base was not scored on it")


def test_a_metric_without_any_number_is_undecided_with_the_reason(found):
    claims = found({"Ours": OURS, "Base": {**OURS, "toy-hit": ["it stands still"] * 10}}).claims
    assert claims[1].word == "undecided"
    assert "no row of r1 has a number: it stands still" in claims[1].reason
    assert claims[1].p_holm is None


def test_without_runs_every_claim_is_not_measured_and_the_page_says_so(found):
    claims = found({})
    assert {claim.word for claim in [*claims.claims, *claims.beyond]} == {"not measured"}
    page = page_text(claims)
    assert "This file is filled when the rows are trained." in page
    assert "- Of 2 orderings on toy-err 0 hold, 2 are not measured." in page


def test_the_summary_counts_each_column(found):
    runs = {"Ours": OURS, "Base": both(flips(1, 0), flips(1, 0)), "w/o A": both(flips(1, 0), flips(-1, 4))}
    assert summary_lines(found(runs)) == [
        "Of 4 orderings in the paper's tables 2 hold, 1 is reversed, 1 is undecided.",
        "Of 2 orderings on toy-err 2 hold.",
        "Of 2 orderings on toy-hit 0 hold, 1 is reversed, 1 is undecided.",
    ]


NOTE = '[[note]]\nrow = "{}"\nmetric = "{}"\ntext = "Twice the steps changed nothing."\n'


def test_a_note_on_a_reversed_or_undecided_claim_is_printed_under_its_table(found, toys, tmp_path):
    notes = NOTE.format("Base", "toy-hit") + NOTE.format("w/o A", "toy-hit") + NOTE.format("Other", "toy-err")
    board = toys.claims_board(tmp_path, notes=notes)
    runs = {
        **{"Ours": OURS, "Base": both(flips(1, 0), flips(1, 0)), "w/o A": both(flips(1, 0), flips(-1, 4))},
        "Other": both(flips(-1, 0), flips(1, 0)),
    }
    page = page_text(found(runs, board=board))
    for place in ("Base, toy-hit (reversed)", "w/o A, toy-hit (undecided)", "Other, toy-err (better)"):
        assert f"- Note on {place}: Twice the steps changed nothing." in page


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        (NOTE.format("Base", "toy-err"), "the note on Base, toy-err is stale: the claim's word is 'holds'"),
        (NOTE.format("w/o A", "toy-err"), "is stale: the claim's word is 'not measured'"),
        (NOTE.format("Base", "toy-hits"), "names no claim; claims near it: Base, toy-err; Base, toy-hit"),
        (NOTE.format("Bass", "x"), "names no claim; claims near it: none on this row or metric"),
        (NOTE.format("Base", "toy-hit") * 2, "two notes on Base, toy-hit"),
        (NOTE.format("Base", "toy-hit").replace("Twice the steps changed nothing.", " "), "a note lacks text"),
        (NOTE.format("Base", "toy-hit") + 'who = "me"\n', "keys of a note"),
        ('[[notes]]\nrow = "Base"\n', "did you mean 'note'"),
    ],
)
def test_a_stale_note_and_one_that_names_no_claim_are_refused(found, toys, tmp_path, notes, message):
    board = toys.claims_board(tmp_path, notes=notes)
    with pytest.raises(BadInputError, match=message):
        found({"Ours": OURS, "Base": both(flips(1, 0), flips(1, 0))}, board=board)


def test_equal_inputs_give_equal_bytes_and_no_path_of_this_machine(found, toys, tmp_path):
    claims = found({"Ours": [OURS, both([0.5] * 10, [0.25] * 10)], "Base": both(flips(1, 0), flips(-1, 1))})
    board = tmp_path / "boards" / "toys"
    first = [path.read_bytes() for path in write_claims(board, claims)]
    runs = [("Ours", tmp_path / "runs" / "r0"), ("Base", tmp_path / "runs" / "r2"), ("Ours", tmp_path / "runs" / "r1")]
    again = find_claims(board, runs)  # rows in another order
    assert [path.read_bytes() for path in write_claims(board, again)] == first
    assert not any(str(tmp_path).encode() in content for content in first)
    data = json.loads(first[1])
    assert data["claims"][0]["paper"] == {
        **{"table": "The paper's table", "column": "Err", "subject": 1.0, "row": 3.0, "difference": 2.0},
        "ahead": "subject",
    }
    assert [run["run"] for run in data["rows"]["Ours"]] == ["r0", "r1"]
    assert data["summary"]["toy-err"] == {"holds": 1, "not measured": 1}


def test_the_committed_files_are_what_the_command_writes():
    board = ROOT / "leaderboards" / "egomini"
    data = json.loads((board / "claims.json").read_text(encoding="utf-8"))
    if data["rows"]:
        pytest.skip("made from runs, which are not in the repository")
    assert page_text(find_claims(board)) == (board / "CLAIMS.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", ["EgoTwin", "=runs/a", "EgoTwin=", ""])
def test_a_run_without_label_or_folder_is_refused(word):
    with pytest.raises(BadInputError, match="--run takes LABEL=RUNFOLDER"):
        split_labels([word])


def test_a_folder_may_hold_an_equals_sign():
    assert split_labels(["w/o MR = runs/a=b"]) == [("w/o MR", Path("runs/a=b"))]


def test_an_unknown_label_is_refused_with_the_nearest_one(found):
    with pytest.raises(UnknownNameError, match="did you mean 'Base'"):
        found({"Ours": OURS, "Bass": OURS})


def test_runs_without_one_of_the_papers_own_model_are_refused(found):
    with pytest.raises(BadInputError, match="no run of Ours is given"):
        found({"Base": OURS})


def test_one_folder_under_two_labels_is_refused(toys, tmp_path):
    run = toys.make_run(tmp_path / "a", OURS)
    with pytest.raises(BadInputError, match="given twice, as 'Ours' and as 'Base'"):
        find_claims(toys.claims_board(tmp_path), [("Ours", run), ("Base", run)])


def test_a_run_that_is_not_done_is_refused(found):
    with pytest.raises(BadInputError, match="status is 'running'"):
        found({"Ours": OURS}, Ours={"status": "running"})


def test_another_split_or_task_than_the_boards_is_refused_by_its_fields(found, toys, tmp_path):
    recipe = toys.RECIPE.replace('split = "toys"', 'split = "others"\ntask = "tm2v"')
    message = "split is 'toys', the board's is 'others'; task is 't2vm', the board's is 'tm2v'"
    with pytest.raises(NotComparableError, match=message):
        found({"Ours": OURS}, board=toys.claims_board(tmp_path, recipe=recipe))


def test_another_content_of_the_split_is_refused(found, toys, tmp_path):
    recipe = toys.RECIPE.replace('split = "toys"', f'split = "toys"\nsplit_digest = "{"6" * 64}"')
    with pytest.raises(NotComparableError, match="split_digest is 55555555, the board's is 66666666"):
        found({"Ours": OURS}, board=toys.claims_board(tmp_path, recipe=recipe))


def test_another_protocol_than_the_boards_is_refused_by_the_fields_of_an_entry(toys, tmp_path, capsys):
    board = toys.claims_board(tmp_path)
    right, other = toys.make_run(tmp_path / "a", OURS), toys.make_run(tmp_path / "b", OURS, version=2)
    assert main(["leaderboard", "add", str(right), str(board)]) == 0
    digest = json.loads((right / "metrics.json").read_text())["metrics"]["toy-err"]["protocol"]
    recipe = board / "board.toml"
    recipe.write_text(recipe.read_text() + f'[protocols]\ntoy-err = "{digest}"\n')
    capsys.readouterr()
    assert main(["leaderboard", "claims", str(board), "--run", f"Ours={right}"]) == 0
    assert main(["leaderboard", "claims", str(board), "--run", f"Ours={other}"]) == 3
    line = capsys.readouterr().err
    assert "measured differently from the board: toy-err (" in line
    assert "metric.version" in line


def test_two_rows_under_two_protocols_are_refused_where_the_board_names_none(found):
    with pytest.raises(NotComparableError, match=r"metric\.version differ"):
        found({"Ours": OURS, "Base": OURS}, Base={"version": 2})


def test_a_system_beyond_the_paper_may_not_be_one_of_the_papers(found, toys, tmp_path):
    recipe = toys.RECIPE.replace('beyond = ["Other"]', 'beyond = ["Base"]')
    with pytest.raises(BadInputError, match="beyond has Base, which the paper's tables have"):
        found({}, board=toys.claims_board(tmp_path, recipe=recipe))
