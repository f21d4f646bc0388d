"""Clips as arrays: what `generate_clip` shows a codec, in an order that no number of workers changes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from egobench.errors import BadInputError, StorageError
from egomini.splits.array_folder import count_ready, finish_folder, map_arrays, open_arrays, prepare_folder
from egomini.splits.arrays import draw_arrays, fill_sequence, recipe, recipe_digest
from egomini.splits.frozen import EGOMINI_SMOKE, EGOMINI_TRAIN, EGOMINI_TRAIN_32K, EGOMINI_VAL
from egomini.splits.generate import generate_clip, pose_clip
from egomini.splits.rendering import Rendering, begin_arrays, make_arrays
from egotwin_ref.training.clips import Clips

SOME = range(3, 6)
CONTENT = ("frames", "positions", "rotations", "hand_share")
CODEC_ERROR = 3.0
"""Mean grey levels that the codec may change; x264 at quality 16 changes about one."""


@pytest.fixture(scope="module")
def drawn():
    return draw_arrays(EGOMINI_TRAIN, SOME)


def assert_same(one, other):
    assert (one.ids, one.texts, one.digest) == (other.ids, other.texts, other.digest)
    for name in CONTENT:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_types_and_shapes_are_those_of_the_clips(drawn):
    found = {name: (str(getattr(drawn, name).dtype), getattr(drawn, name).shape) for name in CONTENT}
    assert found == {
        "frames": ("uint8", (12, 41, 64, 64, 3)),
        "positions": ("float32", (12, 81, 23, 3)),
        "rotations": ("float32", (12, 81, 23, 3, 3)),
        "hand_share": ("float32", (12, 41, 2)),
    }
    assert len(drawn) == 12
    assert drawn.ids[:5] == ("train-0003-0", "train-0003-1", "train-0003-2", "train-0003-3", "train-0004-0")


def test_an_array_holds_what_generate_clip_keeps_but_for_the_codec(drawn):
    for place, (sequence, window) in {0: (3, 0), 7: (4, 3)}.items():
        made = generate_clip(EGOMINI_TRAIN, sequence, window)
        assert (drawn.ids[place], drawn.texts[place]) == (made.info.clip_id, made.info.text)
        np.testing.assert_array_equal(drawn.positions[place], made.motion.positions.astype(np.float32))
        np.testing.assert_array_equal(drawn.rotations[place], made.motion.rotations.astype(np.float32))
        np.testing.assert_array_equal(drawn.hand_share[place], made.truth["hand_pixels"].astype(np.float32))
        difference = np.abs(drawn.frames[place].astype(int) - made.video.frames.astype(int)).mean()
        assert 0.0 < difference < CODEC_ERROR


def test_a_clip_is_posed_without_being_drawn(drawn):
    for place, (sequence, window) in {0: (3, 0), 7: (4, 3)}.items():
        posed, root, quats = pose_clip(EGOMINI_TRAIN, sequence, window)
        np.testing.assert_array_equal(drawn.positions[place], posed.positions.astype(np.float32))
        np.testing.assert_array_equal(drawn.rotations[place], posed.rotations.astype(np.float32))
        assert (posed.text, root.shape, quats.shape) == (drawn.texts[place], (81, 3), (81, 23, 4))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_gives_the_same_arrays(drawn, tmp_path, workers):
    assert_same(make_arrays(EGOMINI_TRAIN, tmp_path / "a", sequences=SOME, workers=workers), drawn)


def test_a_trainer_reads_the_leading_clips_while_later_ones_are_drawn(drawn, tmp_path):
    with begin_arrays(EGOMINI_TRAIN, tmp_path / "a", sequences=SOME, workers=1) as rendering:
        first = rendering.wait(4)
        assert len(first) in (4, 8, 12)
        np.testing.assert_array_equal(first.frames, drawn.frames[: len(first)])
        assert rendering.total == 12
        assert_same(rendering.wait(), drawn)
        assert rendering.ready() == 12


def test_the_count_of_ready_clips_stops_before_the_first_gap(tmp_path):
    folder = tmp_path / "a"
    prepare_folder(EGOMINI_TRAIN, folder, SOME)
    assert count_ready(folder) == len(open_arrays(folder)) == 0
    arrays = map_arrays(folder, "r+")
    for place, ready in ((1, 0), (0, 8), (2, 12)):
        assert not finish_folder(folder)
        fill_sequence(EGOMINI_TRAIN, SOME[place], arrays, place)
        assert count_ready(folder) == len(open_arrays(folder)) == ready
    assert finish_folder(folder)


def test_a_stopped_rendering_goes_on_and_draws_nothing_twice(drawn, tmp_path):
    folder = tmp_path / "a"
    prepare_folder(EGOMINI_TRAIN, folder, SOME)
    arrays = map_arrays(folder, "r+")
    fill_sequence(EGOMINI_TRAIN, SOME[1], arrays, 1)
    arrays["hand_share"][4:8] = 7.0  # a mark on what was drawn before
    made = make_arrays(EGOMINI_TRAIN, folder, sequences=SOME, workers=2)
    assert (made.hand_share[4:8] == 7.0).all()
    np.testing.assert_array_equal(made.frames, drawn.frames)
    assert begin_arrays(EGOMINI_TRAIN, folder, sequences=SOME, workers=2).workers == []


def test_a_finished_folder_is_mapped_by_the_reference_models_training(drawn, tmp_path):
    make_arrays(EGOMINI_TRAIN, tmp_path / "a", sequences=SOME)
    clips = Clips.load(tmp_path / "a")
    assert (clips.ids, clips.texts, clips.digest) == (drawn.ids, drawn.texts, drawn.digest)
    np.testing.assert_array_equal(clips.frames, drawn.frames)


def test_a_worker_that_dies_is_reported(tmp_path):
    class Dead:
        def __init__(self, exitcode: int) -> None:
            self.exitcode = exitcode

    prepare_folder(EGOMINI_TRAIN, tmp_path / "a", SOME)
    with pytest.raises(StorageError, match="too little room"):
        Rendering(tmp_path / "a", 12, [Dead(0), Dead(-7)]).ready()
    with pytest.raises(RuntimeError, match="ended with code 1"):
        Rendering(tmp_path / "a", 12, [Dead(1)]).ready()


def test_more_clips_than_the_disk_holds_are_refused_before_one_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 2**20}))
    with pytest.raises(StorageError, match=r"the arrays of 12 clips take 0\.0 GiB, .* choose fewer"):
        prepare_folder(EGOMINI_TRAIN, tmp_path / "a", SOME)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_another_recipe_or_of_other_files_is_refused(tmp_path):
    prepare_folder(EGOMINI_TRAIN, tmp_path / "a", SOME)
    with pytest.raises(BadInputError, match=r"\(sequences \[3, 6\] in place of \[3, 7\]\)"):
        prepare_folder(EGOMINI_TRAIN, tmp_path / "a", range(3, 7))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("mine")
    with pytest.raises(BadInputError, match="is no empty folder and no folder of arrays"):
        prepare_folder(EGOMINI_TRAIN, tmp_path / "b", SOME)
    with pytest.raises(BadInputError, match="no arrays of clips lie there"):
        count_ready(tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("sequences", [range(0), range(0, 6, 2), range(-1, 3), range(1999, 2001)])
def test_a_range_outside_of_the_split_is_refused(sequences):
    with pytest.raises(BadInputError, match=r"consecutive ones within 0 … 2000 of egomini-train are needed"):
        recipe(EGOMINI_TRAIN, sequences)


def test_a_part_of_another_split_and_no_workers_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="egomini-smoke is a part of egomini-test"):
        draw_arrays(EGOMINI_SMOKE)
    with pytest.raises(BadInputError, match="0 workers"):
        make_arrays(EGOMINI_VAL, tmp_path, workers=0)


def test_the_digest_names_the_recipe():
    assert recipe_digest(EGOMINI_TRAIN) == FROZEN
    others = [
        recipe_digest(EGOMINI_TRAIN_32K, range(2000)),
        recipe_digest(EGOMINI_TRAIN, range(1999)),
        recipe_digest(replace(EGOMINI_TRAIN, seed=1)),
        recipe_digest(replace(EGOMINI_TRAIN, resolution=32)),
    ]
    assert len({FROZEN, *others}) == 5


FROZEN = "fa44c959ccc837d4876119e4a8593ee188cbe7c3c6e126888ebb641026c5f91e"


ALLOWED = {
    "egomini.splits.rendering": (),
    **{
        f"egotwin_ref.{name}": ("torch", "safetensors")
        for name in ("training.loop", "training.stages", "loading.bundle", "model.sampling")
    },
}
UNWANTED = (
    *("av", "jinja2", "matplotlib", "open_clip", "PIL", "platformdirs", "pyarrow", "rich", "torch"),
    *("safetensors", "threadpoolctl", "tyro"),
)


@pytest.mark.parametrize("module", ALLOWED)
def test_training_from_arrays_imports_few_packages(module):
    unwanted = sorted({*UNWANTED} - {*ALLOWED[module]})
    probe = f"import sys, {module}\nprint([name for name in {unwanted} if name in sys.modules])"
    root = Path(__file__).parents[4]
    found = subprocess.run([sys.executable, "-c", probe], cwd=root, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_packages_that_a_bare_machine_lacks_are_not_needed_to_draw():
    blocked = {*UNWANTED, "beartype", "colorama", "filelock", "yaml"}
    probe = f"""
import importlib.abc, sys
class Bare(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Bare())
from egomini.splits.rendering import make_arrays
from egomini.splits.arrays import draw_arrays
from egomini.splits.frozen import EGOMINI_VAL
print(len(draw_arrays(EGOMINI_VAL, range(1))))
"""
    root = Path(__file__).parents[4]
    found = subprocess.run([sys.executable, "-c", probe], cwd=root, capture_output=True, text=True, check=False)
    assert found.stdout == "4\n", found.stderr
