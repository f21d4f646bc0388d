"""A pack of references saves the work on them and changes no byte of a run's results; its check finds flaws."""

import json
import os
import shutil
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import toy_makers
from pipeline_toys import make_split

from egobench.catalog import SPLITS
from egobench.data.folder import open_folder
from egobench.data.source import SplitSource
from egobench.errors import BadInputError
from egobench.fit import pack_check
from egobench.fit.pack_check import PackCheck, check_again
from egobench.fit.reference_pack import make_pack, reference_entries
from egobench.fit.references import open_references
from egobench.plan.request import RunRequest
from egobench.plan.resolve import resolve_engine
from egobench.run.run import start_run
from egobench.store.cache import Cache
from egobench.store.pack import open_pack, write_pack

METRICS = (
    "i-fid:pipeline_toys:ToyExtractor,pipeline_toys:Speed,pipeline_toys:Gap,pipeline_toys:MeanColour,"
    "pipeline_toys:ClipColour,trans-err:pipeline_toys:ToyEyes,hand-score:pipeline_toys:ToyEyes,"
    "clip-sim:pipeline_toys:ToyExtractor"
)


class ToySource(SplitSource):
    """The toy split as a data set would register it, in folders that the environment names."""

    name = "toy"

    def open(self, home):
        return open_folder(Path(os.environ["TOY_SPLIT"]), name="toy")

    def packs(self):
        return (Path(os.environ["TOY_PACK"]),)


SOURCE = ToySource()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the split, its pack, and results of a run without one."""
    folder = tmp_path_factory.mktemp("pack")
    make_split(folder / "split", sequences=8, windows=1)
    with pytest.MonkeyPatch.context() as patch:
        _name_the_split(patch, folder)
        folder.joinpath("before").mkdir()
        before = ran(folder / "before", patch)
        made(folder, patch)
        yield folder, before


@pytest.fixture
def toy(home, tmp_path, monkeypatch):
    """A folder with a copy of the pack, which the split ships."""
    _name_the_split(monkeypatch, tmp_path, home[0] / "split")
    shutil.copy(home[0] / "pack.npz", tmp_path / "pack.npz")
    return tmp_path


@pytest.fixture
def before(home):
    """Results of a run without a pack, and how often the extractor looked at frames."""
    return home[1]


@pytest.fixture
def entries(home, toy):
    """What lies in the pack, by key."""
    references = open_references("toy", METRICS, Cache(home[0] / "cache of the pack"))
    groups = reference_entries(references, resolve_engine("local", 0))
    return {key: deepcopy(arrays) for group in groups.values() for key, arrays in group.items()}


def _name_the_split(patch, folder, split=None):
    SPLITS.targets()
    patch.setitem(SPLITS._found, "toy", "test_reference_pack:SOURCE")
    patch.setenv("TOY_SPLIT", str(split or folder / "split"))
    patch.setenv("TOY_PACK", str(folder / "pack.npz"))
    patch.setenv("TOY_LOG", str(folder / "looked"))


def made(toy, monkeypatch, **changes):
    """Makes the pack, in a cache of its own; the sizes of its groups."""
    with monkeypatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(toy / "cache of the pack"))
        return make_pack(["toy"], toy / "pack.npz", metrics=METRICS, workers=0, **changes)


class Said:
    """Notes the stages of a run."""

    def __init__(self):
        self.stages = {}

    def stage(self, name, total):
        self.stages[name] = total

    def advance(self, n=1, failed=0):
        pass

    def done(self):
        pass


def ran(folder, monkeypatch, **changes):
    """Bytes of the results of a run with an empty cache, how often the extractor looked at frames, and the stages."""
    log = Path(os.environ["TOY_LOG"])
    log.unlink(missing_ok=True)
    asked = {"model": "pipeline_toys:ToyModel", "split": "toy", "metrics": METRICS, "draws": 20, "engine": "inline"}
    with monkeypatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(folder / "cache"))
        said = Said()
        report = start_run(RunRequest(**{**asked, "out": str(folder), **changes}), said)
    shutil.rmtree(folder / "cache")
    files = [(report.path / file).read_bytes() for file in ("metrics.json", "scores.parquet")]
    return files, log.read_text().count("x"), said.stages


def test_a_run_with_a_pack_gives_the_same_bytes_and_looks_at_its_own_samples_only(toy, before, monkeypatch):
    results, looked, stages = ran(toy, monkeypatch)
    assert results == before[0]
    assert (looked, before[1]) == (8, 16)
    assert stages["extract"] == 16, "samples, and the references' motions"


def test_a_run_of_a_part_with_several_seeds_and_another_task_needs_nothing_else(toy, monkeypatch):
    plan = {"limit": 5, "seeds": 2, "task": "tm2v", "metrics": METRICS.replace("pipeline_toys:Speed,", "")}
    results, looked, _ = ran(toy, monkeypatch, **plan)
    assert looked == 10
    (toy / "pack.npz").unlink()
    without, looked, _ = ran(toy, monkeypatch, **plan)
    assert results == without
    assert looked > 10


def test_the_reference_scores_its_floor(toy, monkeypatch):
    (metrics, _), _, _ = ran(toy, monkeypatch, model="reference")
    results = json.loads(metrics)["metrics"]
    for name in ("trans-err", "hand-score", "clip-sim", "toy-speed"):
        assert results[name]["value"] == results[name]["floor"], name
    assert results["trans-err"]["chance"] != results["trans-err"]["floor"]


def test_a_pack_of_other_weights_is_never_read(toy, monkeypatch):
    monkeypatch.setattr(toy_makers.ToyExtractor, "definition", lambda self: {"weights_sha256": "1" * 64})
    assert ran(toy, monkeypatch)[1] == 16


def test_a_damaged_pack_costs_time_and_no_number(toy, before, monkeypatch):
    data = bytearray((toy / "pack.npz").read_bytes())
    data[len(data) // 3 : len(data) // 3 + 40] = bytes(40)
    (toy / "pack.npz").write_bytes(data)
    assert ran(toy, monkeypatch)[0] == before[0]


def test_kinds_that_do_not_fit_are_left_out_and_scores_must_fit(home, monkeypatch):
    folder, data = home[0], (home[0] / "pack.npz").read_bytes()
    _name_the_split(monkeypatch, folder)
    sizes = made(folder, monkeypatch)
    assert (folder / "pack.npz").read_bytes() == data, "made again from its cache"
    assert list(sizes) == ["scores", "clip", "frames", "text", "hands", "camera-path"]
    assert sum(sizes.values()) == len(data)
    assert list(made(folder, monkeypatch, budget=len(data) - 1)) == list(sizes)[:-1]
    with pytest.raises(BadInputError) as caught:
        made(folder, monkeypatch, budget=100)
    assert caught.value.code == "pack-budget"
    (folder / "pack.npz").write_bytes(data)


def test_the_check_of_a_good_pack_finds_nothing(toy):
    said, flaws = check_again(toy / "pack.npz", ["toy"], metrics=METRICS, workers=0)
    assert flaws == []
    assert "bit for bit; 0 are not equal" in said[0]
    part, flaws = check_again(toy / "pack.npz", ["toy"], metrics=METRICS, workers=0, share=0.25, seed=3)
    assert flaws == []
    compared = [int(lines[0].split()[1]) for lines in (part, said)]
    assert 0 < compared[0] < compared[1]


@pytest.mark.parametrize(
    ("name", "where", "flaw"),
    [
        ("chosen", 0, "frames of toy-"),
        ("floor", slice(None), "floor of "),
        ("T_world_camera", (3, 0, 3), "camera-path of toy-"),
    ],
)
def test_the_check_names_a_number_that_is_another_one(toy, entries, name, where, flaw):
    for arrays in entries.values():
        if name in arrays and arrays[name].size > 3:
            arrays[name][where] += 0.5
    write_pack(toy / "pack.npz", entries, open_pack(toy / "pack.npz").about)
    _, flaws = check_again(toy / "pack.npz", ["toy"], metrics=METRICS, workers=0, share=0.3)
    assert any(line.startswith(flaw) for line in flaws)


def test_the_check_tells_what_a_pack_lacks(toy, entries):
    write_pack(toy / "pack.npz", dict(list(entries.items())[:-1]), open_pack(toy / "pack.npz").about)
    _, flaws = check_again(toy / "pack.npz", ["toy"], metrics=METRICS, workers=0)
    assert len(flaws) == 1
    assert flaws[0].endswith("ToyEyes: not in the pack")
    (toy / "pack.npz").unlink()
    with pytest.raises(BadInputError) as caught:
        check_again(toy / "pack.npz", ["toy"], metrics=METRICS, workers=0)
    assert caught.value.code == "pack-missing"


@pytest.mark.parametrize(("step", "is_good"), [(1e-6, True), (1e-2, False)])
def test_another_processor_may_round_but_not_more(toy, entries, step, is_good):
    for arrays in entries.values():
        for name in {"features", "chosen"} & arrays.keys():
            arrays[name] *= np.float32(1 + step)
    write_pack(toy / "pack.npz", entries, {**open_pack(toy / "pack.npz").about, "processor": "another"})
    _, flaws = check_again(toy / "pack.npz", ["toy"], metrics=METRICS, workers=0, share=0.3)
    assert (flaws == []) is is_good


def test_a_few_scores_may_jump_elsewhere_and_many_may_not():
    check = PackCheck(scores=100, far_scores=["jumped"] * 5, unequal=["jumped"] * 5)
    assert check.flaws(bit_for_bit=False) == []
    assert len(check.flaws(bit_for_bit=True)) == 5
    assert PackCheck(scores=100, far_scores=["jumped"] * 6).flaws(bit_for_bit=False) == ["jumped"] * 6
    assert pack_check.TOLERANCE < 1e-3
