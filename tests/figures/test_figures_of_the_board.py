"""The figures of README, docs/egotwin.md and docs/submissions.md that come from the board are those of its entries."""

import shutil

from figures_measured import measured
from figures_sources import BOARD, board_table, claim, entries, guidance, noise, way
from figures_text import agrees, differing, numbers_in, sentence, table_of, to_float

from egobench import open_split
from egobench.cli.main import main
from egotwin_ref.model.configs import VARIANTS
from egotwin_ref.training.recipes import SMALL, SMALL_GPU

TWIN = "docs/egotwin.md"
VARIANT_OF = {
    **{"EgoTwin": "egotwin", "w/o IM": "wo-im", "w/o MR": "wo-mr", "w/o AD": "wo-ad", "MM-DiT": "mm-dit"},
    **{"VidMLD": "vidmld", "MLD": "mld", "CameraCtrl, head path given": "cameractrl"},
}


def test_the_board_s_files_are_what_its_entries_give(tmp_path, capsys):
    board = tmp_path / "leaderboards" / "egomini"
    shutil.copytree(BOARD.parent, board.parent)
    assert main(["leaderboard", "build", str(board), "--quiet"]) == 0
    for path in board.glob("table.*"):
        assert path.read_bytes() == (BOARD / path.name).read_bytes(), path.name


def test_every_cell_of_readme_s_table_is_the_board_s():
    readme, board = table_of("README.md", "model"), board_table()
    places = [board.head.index(head) for head in readme.head]
    rows = {row[1].removesuffix(" (control)"): row for row in board.rows}
    assert len(readme.rows) == len(rows)
    for label, *cells in readme.rows:
        expected = [rows[label][place].replace("not applicable", "–") for place in places[1:]]
        assert cells == expected, label


def test_readme_counts_clips_recordings_and_rows():
    rows = open_split("egomini-test").infos()
    words = sentence("README.md", "{} clips, {} recordings; ± is half the {} % interval").groups()
    assert not differing(list(words), [len(rows), len({row.sequence for row in rows}), 95])
    assert len(VARIANTS) == 8
    sentence("README.md", "trains all eight rows")


def test_static_is_last_or_last_but_one_of_what_is_no_noise():
    for metric, sign in (("trans-err", 1), ("rot-err", 1), ("hand-score", -1)):
        values = {name: row[metric]["value"] for name, row in entries().items() if row.get(metric, {}).get("value")}
        worse = [name for name, value in values.items() if sign * value > sign * values["static"]]
        assert len(set(worse) - {"shuffled", "noise"}) <= 1, (metric, worse)


COLUMNS = ["trans-err", "rot-err", "hand-score", "r-precision", "sync-lag"]
ENTRY_OF = {
    "EgoTwin, T2VM": "EgoTwin",
    "… guided, w_t 1.5, partner 2": "EgoTwin, guided",
    "VidMLD, T2VM": "VidMLD",
    "static control": "static",
    "chance (shuffled)": "shuffled",
}


def of_the_way(cells, above):
    """Cells of a row `… of the way` that do not follow from the row above it."""
    wrong = []
    for metric, cell, parent in zip(COLUMNS, cells, above, strict=True):
        if cell and abs(to_float(cell) - way(metric, to_float(numbers_in(parent)[0]))) > 0.0101:
            wrong.append((metric, cell))
    return wrong


def test_what_the_shipped_weights_can_do_is_what_the_entries_say():
    table = table_of(TWIN, "", "trans-err (m) ↓")
    above: list[tuple[str, ...]] = []
    for label, *cells in table.rows:
        if label.endswith("of the way"):
            assert not of_the_way(cells, above[-1]), label
        elif not measured(table, label):
            for metric, cell in zip(COLUMNS, cells, strict=True):
                found = entries()[ENTRY_OF.get(label, "reference")][metric]
                value = found["floor"] if label.startswith("floor") else found["value"]
                values = [] if value is None else [value, *(found["ci95"] or ())]
                figures = numbers_in(cell)
                assert not differing(figures, values[: len(figures) or None] if figures else []), (label, metric)
                assert figures or cell in ("undefined", ""), (label, metric)
                assert bool(figures) == (value is not None), (label, metric)
        above.append(tuple(cells))


def test_each_row_at_its_best_has_the_guidance_that_was_chosen_and_the_board_s_rot_err():
    table = table_of(TWIN, "", "text w_t")
    assert measured(table, table.head[-1])
    for label, text, partner, ways, rot_err, _ in table.rows:
        found = guidance(VARIANT_OF[label])
        assert to_float(text) == found["chosen"]["text"]
        assert partner == "has none" or to_float(partner) == found["chosen"]["partner"]
        tried = {(pair["text"], pair["partner"]): pair["way"] for pair in found["tried"]}
        values = [tried[1.0, 1.0], tried[found["chosen"]["text"], found["chosen"]["partner"]]]
        figures = numbers_in(ways)
        assert not differing(figures, values if values[0] != values[1] else values[:1]), label
        if rot_err:
            board = {row[1]: row[board_table().head.index("rot-err (deg) ↓")] for row in board_table().rows}
            name = label.replace("head path given", "motion given (tm2v)")
            assert rot_err == board.get(f"{name}, guided", board[name]), label


def test_steps_and_batches_are_those_of_the_recipes():
    table = table_of(TWIN, "stage", "trains")
    vaes = [(SMALL.video_vae.steps, SMALL.video_vae.batch), (SMALL.motion_vae.steps, SMALL.motion_vae.batch)]
    assert SMALL.global_vae
    expected = {
        "1": ([(SMALL.global_vae.steps, SMALL.global_vae.batch)], vaes),
        "0": ([(SMALL_GPU.base.steps, SMALL_GPU.base.batch)], [(SMALL.base.steps, SMALL.base.batch)]),
        "2": ([(SMALL_GPU.motion.steps, SMALL_GPU.motion.batch)], [(SMALL.motion.steps, SMALL.motion.batch)]),
        "3": ([(922, SMALL_GPU.joint.batch)], [(SMALL.joint.steps, SMALL.joint.batch)]),
    }
    for row in table.rows:
        for cell, pairs in zip(row[3:], expected[row[0]], strict=True):
            assert [to_float(figure) for figure in numbers_in(cell)] == [figure for pair in pairs for figure in pair], (
                row
            )


def test_samples_of_all_rows_are_steps_times_batch():
    words = sentence(TWIN, "{} samples in stage {}, which they share, {} in stage {}, {} in stage {}").groups()
    stages = (SMALL_GPU.base.steps, SMALL_GPU.motion.steps, 922)
    for figure, steps in zip(words[::2], stages, strict=True):
        assert abs(to_float(figure) - steps * 256) < 500, figure


def test_the_targets_stand_beside_what_the_board_has():
    twin, guided = entries()["EgoTwin"], entries()["EgoTwin, guided"]
    both = [way(metric, row[metric]["value"]) for row in (twin, guided) for metric in ("trans-err", "rot-err")]
    words = sentence(TWIN, "in T2VM: 0.15 of the way. Reached are {} and {} unguided, {} and {} guided").groups()
    assert not differing(list(words), both)
    shares = [row[metric]["value"] for metric in ("r-precision", "hand-score") for row in (twin, guided)]
    words = [
        word
        for metric in ("r-precision", "hand-score")
        for word in sentence(TWIN, f"{metric}: 0.85. Reached are {{}} unguided, {{}} guided").groups()
    ]
    assert not differing(list(words), shares)


def test_the_lead_over_vidmld_and_the_training_noise_are_those_of_the_claims():
    found = claim("VidMLD", "rot-err")["measured"]
    words = sentence(TWIN, "in the body itself: rot-err by {}° [{}, {}]").groups()
    assert not differing(list(words), [abs(found["difference"]), *sorted(abs(end) for end in found["ci95"])])
    assert not differing(
        list(sentence(TWIN, "The unguided seeds show a training noise of {}° in rot-err").groups()), [noise("rot-err")]
    )


def test_full_precision_in_the_table_of_half_precision_is_the_board_s():
    table = table_of("docs/submissions.md", "motions", "precision")
    model = ""
    for name, precision, *cells in table.rows:
        model = name.strip("`") or model
        if not measured(table, precision, model):
            found = [entries()[model][metric]["value"] for metric in table.head[2:]]
            assert not differing(cells, found), model
    value = entries()["nearest"]["r-precision"]
    words = sentence("docs/submissions.md", "r-precision {} ± {} becomes {}").groups()
    assert not differing(list(words[:2]), [value["value"], (value["ci95"][1] - value["ci95"][0]) / 2])
    assert agrees(words[2], to_float(next(row[3] for row in table.rows[7:] if row[1] == "float16")))


def test_there_are_as_many_core_metrics_as_pages_say():
    count = len(entries()["reference"])
    assert not differing(list(sentence(TWIN, "corrected over its {} metrics").groups()), [count])
    assert not differing(list(sentence("docs/gate.md", "{} kB per {} clips × {} metrics").groups())[2:], [count])
    assert count == 16
    sentence("docs/gate.md", "all sixteen metrics")
