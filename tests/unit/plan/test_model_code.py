"""The code of a user's model belongs to the identity of a run: two versions never meet in one without a word."""

import json
from pathlib import Path

import pytest
from pipeline_toys import METRICS

from egobench.audit.rescore import rescore_run
from egobench.audit.verify import verify_run
from egobench.boards.board import read_board
from egobench.boards.claim_runs import open_rows
from egobench.boards.leaderboard import add_entry
from egobench.errors import NotComparableError
from egobench.pictures.picture_rows import open_row
from egobench.plan.model_code import changed_text, code_record
from egobench.plan.plan import model_settings, plan
from egobench.plan.resolve import resolve_model
from egobench.progress import Quiet
from egobench.run.run import resume_run, start_run

CODE = """
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from toy_splits import picture, walk
from egobench.types import Sample
import {helper}

@dataclass(frozen=True)
class Mine:
    checkpoint: Path = Path("nowhere")
    name: str = "best"

    def load(self, device):
        {load}
        return self

    def sample(self, condition, *, seed):
        rng = np.random.default_rng({helper}.SEED + seed)
        {sample}
        return Sample(picture(rng), walk(rng))
"""


class StopAfter(Quiet):
    """The user's Ctrl-C after some items."""

    def __init__(self, items):
        self.left = items

    def stage(self, name, total):
        self.name = name

    def advance(self, n=1, failed=0):
        self.left -= n if self.name == "generate" else 0
        if self.left <= 0:
            raise KeyboardInterrupt


@pytest.fixture
def ask(ask):
    """Runs in processes: a file that is edited is read anew there."""
    return lambda **changes: ask(**{"engine": "local", **changes})


@pytest.fixture
def mine(tmp_path, monkeypatch, request):
    """Writes the user's model and its helper under names of this test's own; returns the model's name."""
    home = tmp_path / "home"
    home.mkdir()
    name = f"mine_{abs(hash(request.node.name))}"
    monkeypatch.syspath_prepend(str(home))

    def write(seed=0, sample="pass", load="pass"):
        (home / f"{name}_helper.py").write_text(f"SEED = {seed}\n")
        (home / f"{name}.py").write_text(CODE.format(helper=f"{name}_helper", sample=sample, load=load))
        return f"{name}:Mine"

    return write


def interrupted(ask, model, items=3):
    with pytest.raises(KeyboardInterrupt):
        start_run(ask(model=model), StopAfter(items))
    (path,) = Path(ask().out).iterdir()
    return path


def manifest_of(path):
    return json.loads((path / "manifest.json").read_text())


@pytest.mark.parametrize("change", [{"sample": "rng.normal()"}, {"seed": 7}], ids=["own file", "file it imports"])
def test_a_run_whose_models_code_has_changed_is_not_resumed_and_says_how_to(ask, mine, change):
    path = interrupted(ask, mine())
    mine(**change)
    with pytest.raises(
        NotComparableError, match=r"the code of mine_\d+:Mine changed .* 3 of 8 items are made"
    ) as caught:
        resume_run(path)
    assert caught.value.exit_code == 3
    assert "--allow-changed-code" in str(caught.value)
    assert len((path / "events.jsonl").read_text().splitlines()) == 3
    mine()  # changed back
    assert resume_run(path).planned == 8
    assert "earlier_code" not in manifest_of(path)["model"]


def test_with_leave_it_goes_on_and_says_which_items_are_whose_and_no_board_takes_it(ask, mine, tmp_path):
    path = interrupted(ask, mine())
    before = manifest_of(path)
    mine(seed=7)
    report = resume_run(path, allow_changed_code=True)
    after = manifest_of(path)
    (earlier,) = after["model"]["earlier_code"]
    assert (earlier["sha256"], earlier["items"]) == (before["model"]["code"]["sha256"], 3)
    assert after["model"]["code"]["sha256"] == code_record(after["model"]["target"])["sha256"] != earlier["sha256"]
    assert "3 items by" in changed_text(after["model"])
    pure = [before["identity"], plan(ask(model=before["model"]["name"])).identity]
    assert len({*pure, after["identity"]}) == 3  # neither of the two versions' own
    document = json.loads((report.path / "metrics.json").read_text())
    assert document["run"].endswith(after["identity"][:12])
    found = verify_run(path, share=1)
    assert found.flaws == []
    assert any("2 versions of the model's code" in line for line in found.unchecked)
    rescore_run(path, METRICS.split(",")[0])
    assert verify_run(path, share=0).flaws == []
    board = tmp_path / "board"
    board.mkdir()
    (board / "board.toml").write_text(
        'schema = 1\ntitle = "Toys"\nsplit = "toy"\nmetrics = ["toy-speed"]\norder = "toy-speed"\n'
    )
    for refuse in (
        lambda: add_entry(board, path),
        lambda: open_row(read_board(board), "mine", path),
        lambda: open_rows(board, read_board(board), [("mine", path)], labels=["mine"], metrics=["toy-speed"]),
    ):
        with pytest.raises(NotComparableError, match=r"samples are of 2 versions .* is one version of a model"):
            refuse()
    assert not (board / "entries").exists()


def test_code_that_changes_while_the_run_is_at_work_stops_it(ask, mine):
    kill = (
        "import os; f = Path(__file__); condition.clip_id == 'toy-02' and "
        "(f.write_text(f.read_text() + '#'), os._exit(9))"
    )
    with pytest.raises(NotComparableError, match="changed while the run was at work"):
        start_run(ask(model=mine(sample=kill), allow_failed=8))


def test_a_model_that_could_not_be_loaded_may_be_mended(ask, mine):
    from egobench.errors import BadInputError

    with pytest.raises(BadInputError, match="cannot be loaded"):
        start_run(ask(model=mine(load="raise ValueError('no')")))
    (path,) = Path(ask().out).iterdir()
    mine()
    assert resume_run(path).failed == 0
    assert "earlier_code" not in manifest_of(path)["model"]


def test_a_run_that_was_started_before_code_was_recorded_is_resumed(ask, mine):
    path = interrupted(ask, mine())
    manifest = manifest_of(path)
    del manifest["model"]["code"]
    from egobench.plan.plan import identity_of

    asked = plan(ask(model=manifest["model"]["name"]))
    clips = [info.clip_id for info in asked.infos]
    manifest["identity"] = identity_of(asked.request, asked.settings, asked.split.digest, clips, asked.protocols, ())
    (path / "manifest.json").write_text(json.dumps(manifest))
    assert resume_run(path).planned == 8
    assert verify_run(path, share=0).flaws == []


def test_the_suites_own_models_are_recorded_but_do_not_change_the_identity():
    from egobench.plan.model_code import codes_of

    code = code_record("egobench_baselines.static:StaticControl")
    assert code["files"] > 5
    assert code["version"]
    assert codes_of({"code": code}) == ()
    assert codes_of({"code": {**code, "name": "mine"}}) == (code["sha256"],)


def test_weights_count_by_content_in_files_folders_and_names_given_as_text(mine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"1")
    model = mine()

    def settings():
        return model_settings(resolve_model(model, {"checkpoint": "weights", "name": "weights/a.bin"}))

    first = settings()
    (folder / "a.bin").write_bytes(b"2")
    second = settings()
    assert first["checkpoint"]["sha256"] != second["checkpoint"]["sha256"]
    assert first["name"]["text"] == second["name"]["text"] == "weights/a.bin"
    assert first["name"]["sha256"] != second["name"]["sha256"]
    assert model_settings(resolve_model(model, {"checkpoint": "gone"}))["checkpoint"] == {"path": "gone"}
    assert model_settings(resolve_model(model, {"name": "best"}))["name"] == "best"
