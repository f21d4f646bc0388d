"""A short, repeatable piece of `benchmarks/checks/fuzz_readers.py`: spoilt files give a code or sound content."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "checks" / "fuzz_readers.py"
EACH = 60


@pytest.fixture(scope="module")
def fuzz():
    spec = importlib.util.spec_from_file_location("fuzz_readers", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_readers"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fuzz_readers"]


@pytest.mark.parametrize("name", ["mp4", "png", "npz", "npy", "motion", "own-motion", "smpl", "humanml3d", "toml"])
def test_spoilt_files_are_refused_by_code_or_read_as_sound_content(fuzz, name, tmp_path):
    target = fuzz.targets()[name]
    path = tmp_path / f"input{target.suffix}"
    for seed in target.seeds:
        if name != "png":  # two of the four pictures are grey and with a palette
            assert fuzz.one(target, seed, path) == "read"
    outcomes = [fuzz.one(target, content, path) for _, content in fuzz.inputs(target, name, 1, range(EACH))]
    assert [outcome for outcome in outcomes if outcome.startswith("FIND")] == []
    assert len({outcome for outcome in outcomes if outcome != "read"}) >= 2


def test_inputs_depend_on_seed_and_number_alone(fuzz):
    target = fuzz.targets()["motion"]
    whole = dict(fuzz.inputs(target, "motion", 3, range(20)))
    assert dict(fuzz.inputs(target, "motion", 3, range(7, 9))) == {number: whole[number] for number in (7, 8)}
    assert whole != dict(fuzz.inputs(target, "motion", 4, range(20)))


def test_the_harness_notices_what_it_is_there_for(fuzz, tmp_path):
    """An exception, unsound content, a crash, a hang and too much memory, each planted."""
    blows = {
        "exception": lambda path: {}["absent"],
        "unsound": lambda path: fuzz._sound(fuzz._body(fuzz.XSENS23, 16.0), fuzz.FORM),
        "crash": lambda path: fuzz.os.kill(fuzz.os.getpid(), 9),
        "memory": lambda path: np.ones(2**28),
    }
    for name, read in blows.items():
        target = fuzz.Target(".toml", [b"a = 1"], read)
        counts = fuzz.fuzz(name, target, 0, 2, tmp_path / name)
        assert len(counts.finds) == 2, name
        assert len(list((tmp_path / name).iterdir())) == 2
