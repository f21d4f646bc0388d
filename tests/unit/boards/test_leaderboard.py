"""Boards: ranks, blocks, gates, published numbers."""

import json
from pathlib import Path

import pytest
from board_fixtures import PROTOCOL_B, RECIPE, document, entry, make_board, result

from egobench.boards.board import read_board
from egobench.boards.entries import kind_of
from egobench.boards.leaderboard import add_entry, board_grids, build
from egobench.boards.published import published_grids
from egobench.catalog import MODELS
from egobench.errors import BadInputError, NotComparableError
from egobench.files.digest import digest_file
from egobench.files.plain import differing_fields

LEADERBOARDS = Path(__file__).parents[3] / "leaderboards"


def lines(grid):
    """(rank, label, first value) of every row below the rule."""
    return [row.cells[:3] for row in grid.rows[grid.rule_after :]]


def test_models_are_ranked_best_first_and_equal_values_share_a_rank(tmp_path):
    entries = [entry(name, i_fid=result(value)) for name, value in (("c", 9.0), ("a", 3.0), ("b", 3.0))]
    (grid,) = board_grids(make_board(tmp_path, *entries))
    assert lines(grid) == [("1", "a", "3"), ("1", "b", "3"), ("3", "c", "9")]


def test_higher_is_better_turns_the_order_round(tmp_path):
    entries = [entry(name, clip_sim=result(value, better="higher")) for name, value in (("low", 1.0), ("high", 2.0))]
    recipe = RECIPE.replace('order = "i-fid"', 'order = "clip-sim"')
    (grid,) = board_grids(make_board(tmp_path, *entries, recipe=recipe))
    assert [label for _, label, _ in lines(grid)] == ["high", "low"]


def test_controls_are_shown_marked_and_never_ranked(tmp_path):
    entries = [entry("reference", kind="control", i_fid=result(0.0)), entry("a", i_fid=result(3.0))]
    (grid,) = board_grids(make_board(tmp_path, *entries))
    assert lines(grid) == [("1", "a", "3"), ("", "reference (control)", "0")]
    assert grid.rows[-1].faint


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"n": 99}, "99 rows, 100 are needed"),
        ({"coverage": 0.899}, "coverage 89.9 %, 90 % is needed"),
        ({"value": None}, "no value of i-fid"),
    ],
)
def test_an_entry_that_misses_a_gate_is_shown_without_a_rank(tmp_path, changed, reason):
    entries = [entry("lucky", i_fid={**result(0.1), **changed}), entry("a", i_fid=result(3.0))]
    (grid,) = board_grids(make_board(tmp_path, *entries))
    assert [(rank, label) for rank, label, _ in lines(grid)] == [("1", "a"), ("", "lucky")]
    assert f"lucky: not ranked: {reason}" in grid.notes


def test_entries_of_another_protocol_stand_in_a_block_of_their_own(tmp_path):
    entries = [
        entry("a", i_fid=result(3.0), clip_sim=result(1.0)),
        entry("b", i_fid=result(2.0, protocol=PROTOCOL_B), clip_sim=result(1.0)),
    ]
    first, second = board_grids(make_board(tmp_path, *entries))
    assert [lines(grid)[0][:2] for grid in (first, second)] == [("1", "a"), ("1", "b")]
    assert "not comparable" in second.title
    assert "i-fid (bbbbbbbb ≠ aaaaaaaa)" in " ".join(second.notes)


def test_the_required_protocol_says_which_block_is_first(tmp_path):
    entries = [entry("a", i_fid=result(3.0)), entry("b", i_fid=result(2.0, protocol=PROTOCOL_B))]
    recipe = RECIPE + f'[protocols]\n"i-fid" = "{PROTOCOL_B}"\n'
    first, second = board_grids(make_board(tmp_path, *entries, recipe=recipe))
    assert (lines(first)[0][1], lines(second)[0][1]) == ("b", "a")


def test_another_split_digest_is_another_block(tmp_path):
    entries = [entry("a", i_fid=result(3.0)), entry("b", split_digest="6" * 64, i_fid=result(2.0))]
    recipe = RECIPE.replace("metrics = [", f'split_digest = "{"5" * 64}"\nmetrics = [')
    first, second = board_grids(make_board(tmp_path, *entries, recipe=recipe))
    assert (lines(first)[0][1], lines(second)[0][1]) == ("a", "b")
    assert "split_digest" in " ".join(second.notes)


def test_an_entry_that_lacks_a_column_stays_in_its_block(tmp_path):
    entries = [entry("a", i_fid=result(3.0), clip_sim=result(1.0)), entry("b", i_fid=result(2.0))]
    (grid,) = board_grids(make_board(tmp_path, *entries))
    assert [label for _, label, _ in lines(grid)] == ["b", "a"]


def test_differing_fields_are_named_by_their_path():
    assert differing_fields({"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"x": 1, "y": 5}}) == ["a.y", "b"]


def test_the_same_entries_give_the_same_bytes(tmp_path):
    board = make_board(tmp_path, entry("a", i_fid=result(3.0)), entry("b", i_fid=result(4.0)))
    first = {suffix: path.read_bytes() for suffix, path in build(board).items()}
    assert set(first) == {"md", "tex", "csv", "json"}
    assert {suffix: path.read_bytes() for suffix, path in build(board).items()} == first


def test_published_numbers_are_blocks_of_their_own_without_rank_or_bold():
    for grid in published_grids(LEADERBOARDS / "published.toml"):
        assert grid.title.startswith("Published, not re-run")
        assert "#" not in grid.header
        assert not any(row.strong for row in grid.rows)
        assert {(record["status"], record["rank"]) for record in grid.records} == {("published", None)}


def test_published_numbers_are_the_papers():
    main, ablations = published_grids(LEADERBOARDS / "published.toml")
    assert main.rows[1].cells == (
        "EgoTwin",
        "98.17",
        "1033.52",
        "27.34",
        "41.80",
        "0.62",
        "15.05",
        "0.67",
        "0.46",
        "0.81",
    )
    assert ablations.rows[0].cells == ("w/o MR", "134.27", "1356.81", "43.65", "0.56", "0.96", "1.22", "0.44")


def test_published_rows_never_enter_a_measured_block(tmp_path):
    board = make_board(
        tmp_path, entry("a", i_fid=result(300.0)), recipe=RECIPE.replace("[gates]", "published = true\n[gates]")
    )
    (tmp_path / "published.toml").write_bytes((LEADERBOARDS / "published.toml").read_bytes())
    measured, *published = board_grids(board)
    assert len(published) == 2
    assert lines(measured) == [("1", "a", "300")]
    rows = json.loads(build(board)["json"].read_text(encoding="utf-8"))["blocks"][0]["rows"]
    assert {row["status"] for row in rows} == {"measured"}


def test_the_shipped_board_builds(tmp_path):
    assert read_board(LEADERBOARDS / "egomini").split == "egomini-test"
    assert board_grids(LEADERBOARDS / "egomini")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('order = "i-fid"', 'order = "ifid"', "did you mean 'i-fid'"),
        ("title =", "titel =", "did you mean 'title'"),
        ("min_n", "min_m", "did you mean 'min_n'"),
        ("schema = 1", "schema = 2", "schema must be 1"),
        ('"clip-sim"]', '"i-fid"]', "different names"),
        ("split =", "split", "not TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_with_what_would_be_right(tmp_path, old, new, said):
    with pytest.raises(BadInputError, match=said):
        read_board(make_board(tmp_path, recipe=RECIPE.replace(old, new)))


def test_an_entry_of_another_split_is_refused_naming_the_field(tmp_path):
    stranger = {**entry("a", i_fid=result(1.0)), "split": "nymeria-test"}
    with pytest.raises(NotComparableError, match="split is 'nymeria-test', the board's is 'egomini-test'"):
        board_grids(make_board(tmp_path, stranger))


def test_two_entries_of_one_name_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="both called 'a'"):
        board_grids(make_board(tmp_path, entry("a", i_fid=result(1.0)), entry("a", i_fid=result(2.0))))


@pytest.mark.parametrize("label", ["=1+1", "a\nb", "x" * 81, "", "@x"])
def test_a_label_that_would_break_a_table_is_refused(tmp_path, label):
    content = entry("a", i_fid=result(1.0))
    content["provenance"]["model"] = label
    with pytest.raises(BadInputError, match="cannot be printed"):
        board_grids(make_board(tmp_path, content))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('status = "published"', 'status = "measured"', "only published numbers"),
        ('title = "EgoTwin and', 'titel = "EgoTwin and', "lacks 'title'"),
        ('"I-FID" = 157.86', '"J-FID" = 157.86', "no such column"),
    ],
)
def test_a_wrong_published_table_is_refused(tmp_path, old, new, said):
    text = (LEADERBOARDS / "published.toml").read_text(encoding="utf-8")
    (tmp_path / "published.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInputError, match=said):
        published_grids(tmp_path / "published.toml")


@pytest.fixture
def run(tmp_path):
    """A finished run folder, as far as boards read it."""
    folder = tmp_path / "20260101-000000_walker_egomini-test_0000"
    folder.mkdir()
    manifest = {
        **{"schema": 1, "run": folder.name, "status": "done", "started": "2026-01-01T00:00:00Z"},
        **{"split": {"digest": "5" * 64}, "commit": "c0ffee", "dirty": True, "protocols": {"a" * 64: {"clips": 256}}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "metrics.json").write_text(json.dumps(document("static", i_fid=result(3.0))), encoding="utf-8")
    return folder


def test_an_entry_keeps_where_its_numbers_come_from(tmp_path, run):
    board = make_board(tmp_path)
    content = json.loads(add_entry(board, run).read_text(encoding="utf-8"))
    assert content["metrics"] == document("static", i_fid=result(3.0))["metrics"]
    assert content["provenance"] == {
        **{"model": "static", "kind": "control", "run": run.name, "split_digest": "5" * 64, "commit": "c0ffee+dirty"},
        **{"date": "2026-01-01T00:00:00Z", "manifest_digest": digest_file(run / "manifest.json")},
        "protocols": {"i-fid": {"clips": 256}},
    }


def test_a_run_added_twice_is_one_entry_and_two_labels_are_two(tmp_path, run):
    board = make_board(tmp_path)
    assert add_entry(board, run) == add_entry(board, run)
    add_entry(board, run, kind="model", label="Static (ours)")
    (grid,) = board_grids(board)
    assert [line[:2] for line in lines(grid)] == [("1", "Static (ours)"), ("", "static (control)")]


def test_an_unfinished_run_does_not_enter(tmp_path, run):
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    (run / "manifest.json").write_text(json.dumps({**manifest, "status": "started"}), encoding="utf-8")
    with pytest.raises(BadInputError, match="only a run that is done"):
        add_entry(make_board(tmp_path), run)


@pytest.mark.parametrize(
    ("metrics", "label", "said"),
    [
        ({"jerk": result(1.0)}, None, "none of the board's columns"),
        ({"i_fid": result(1.0)}, "=SUM(A1)", "cannot be printed"),
    ],
)
def test_a_refused_run_leaves_the_board_as_it_was(tmp_path, run, metrics, label, said):
    board = make_board(tmp_path)
    (run / "metrics.json").write_text(json.dumps(document("static", **metrics)), encoding="utf-8")
    with pytest.raises(BadInputError, match=said):
        add_entry(board, run, label=label)
    assert not list((board / "entries").iterdir())


def test_a_built_in_model_is_a_control_where_its_class_says_so():
    assert {name for name in MODELS.names() if kind_of(name) == "model"} == {"egotwin"}
    assert kind_of("my_file:MyModel") == "model"
