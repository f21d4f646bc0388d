"""The figures of docs/estimators.md are those of the shipped calibration cards."""

import importlib.util

from figures_sources import card
from figures_text import ROOT, differing, sentence, table_of, tables_of, text_of

PAGE = "docs/estimators.md"


def test_the_tables_of_floors_are_what_the_script_prints_of_the_cards(capsys, monkeypatch):
    (script,) = (ROOT / "benchmarks").rglob("floors.py")
    spec = importlib.util.spec_from_file_location("floors", script)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr("sys.argv", ["floors.py"])
    module.main()
    printed = capsys.readouterr().out.split("\n\n")
    assert sum(1 for table in printed if table.strip()) == 2
    for table in printed:
        assert table.strip() in text_of(PAGE)


def test_every_estimator_with_a_card_of_these_splits_is_in_them():
    cameras, hands = table_of(PAGE, "estimator", "split"), table_of(PAGE, "detector", "split")
    listed = {(row[0], row[1].split()[0]) for row in cameras.rows + hands.rows}
    shipped = {tuple(path.stem.split("@")) for path in (ROOT / "egobench").rglob("cards/*.json")}
    assert listed == {pair for pair in shipped if pair[1] != "egomini-smoke"}


def test_a_second_seed_moved_colmap_by_what_its_card_says():
    seeds = card("colmap", "egomini-hd")["seeds"]["rot-err"]
    words = sentence(PAGE, "moved `colmap`'s mean rot-err from {} to {}°, a clip's value by {}° in the median").groups()
    assert not differing(list(words), [*seeds["mean_by_seed"], seeds["range_of_a_clip"]["median"]])


def test_hands_palm_on_small_pictures_is_as_near_to_chance_as_its_card_says():
    found = card("hands.palm", "egomini-test")["metrics"]["hand-score"]
    words = sentence(PAGE, "its hand-score of the reference, {}, lies near that of shuffled pairs, {}.").groups()
    assert not differing(list(words), [found["all"]["value"], found["chance"]["value"]])


def test_aims_that_cards_measure_have_their_figures():
    hd, test = card("colmap", "egomini-hd"), card("egomini-odometry", "egomini-test")
    text = next("\n".join(map(" | ".join, table.rows)) for table in tables_of(PAGE) if table.head[0] == "aim")
    rich = hd["metrics"]["rot-err"]["by"]["texture"]["rich"]
    statuses = hd["statuses"]
    for template, values in {
        "{}° over the {} `rich` clips": [rich["median"], rich["n"]],
        "on each of the {} clips that were mapped; {} of {} clips are lost": [
            statuses["ok"],
            statuses["failed"],
            hd["clips"]["n"],
        ],
        "{} m | missed": [test["metrics"]["trans-err"]["all"]["mean"]],
    }.items():
        assert not differing(list(sentence(PAGE, template).groups()), values), template
        assert sentence(PAGE, template).group() in text
