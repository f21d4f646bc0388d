"""The steps of `rows.py`: what each makes, how to see that it is made, and the command that makes it.

    weights/ROW.safetensors ──> the board's guidance/ROW.json ──> runs/ROW, runs/ROW-guided ──> the board's entries

What is done is seen from the files themselves: a card by the wanted recipe from the wanted clips, a choice for these
very weights, a finished run of them, an entry of that run. So weights that changed make new choices and new runs.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from egobench import BadInputError, Split, open_split
from egotwin_ref.adapters.model import EgoTwinModel
from egotwin_ref.model.configs import PRESETS
from egotwin_ref.model.sampling import PLAIN, Guidance
from egotwin_ref.table.plan import TableRow, task_of
from egotwin_ref.training.recipes import RECIPES

INCOMPLETE, OTHER_CODE = 4, 3
"""Exit codes of a run with failed clips, which is finished; and of one that other code or weights began."""


class StoppedError(Exception):
    """The time is up; the same command goes on."""


class FailedError(Exception):
    """A command ended with an exit code that it should not have."""

    def __init__(self, command: Sequence[str], code: int) -> None:
        super().__init__(f"`{' '.join(command)}` ended with exit code {code}")
        self.code = code


@dataclass(frozen=True)
class Setup:
    """What is trained, sampled and tabled, and where it lies."""

    call: Callable[[Sequence[str]], int]
    """Runs a command (`egobench …` or `guidance …`) and returns its exit code."""
    board: Path
    work: Path = Path("work/rows")
    preset: str = "small"
    given: Path | None = None
    """Folder of weights that were made elsewhere; a row whose file lies there is not trained."""
    train_split: str = "egomini-train"
    val_split: str = "egomini-val"
    test_split: str = "egomini-test"
    clips: int = 64
    """Of the validation split, that guidance is chosen on."""
    limit: int | None = None
    """Clips of the test split; None is all."""
    steps: int = 20
    """Of sampling."""
    device: str = "auto"
    workers: int = 1
    threads: int | None = None
    until: float = float("inf")
    """`time.monotonic()` after which nothing is begun."""

    @property
    def made(self) -> Path:
        """Folder of the weights that are trained here."""
        return self.work / "weights"

    @cached_property
    def training(self) -> Split:
        """The split that rows are trained on."""
        return open_split(self.train_split)

    @cached_property
    def test(self) -> Split:
        """The split that is scored."""
        return open_split(self.test_split)

    def do(self, *command: object, allowed: Sequence[int] = (0,)) -> int:
        """Runs a command.

        Raises:
            FailedError: its exit code is none of `allowed`.
            StoppedError: the time is up before it begins.
        """
        if time.monotonic() > self.until:
            raise StoppedError
        words = [str(word) for word in command]
        code = self.call(words)
        if code not in allowed:
            raise FailedError(words, code)
        return code

    @property
    def minutes(self) -> list[str]:
        """The option of a command that can stop by itself."""
        left = (self.until - time.monotonic()) / 60
        return [] if left == float("inf") else ["--minutes", f"{max(left, 0.01):.2f}"]


def make_data(setup: Setup) -> None:
    """Draws the splits that are not on this machine."""
    for name in dict.fromkeys((setup.train_split, setup.val_split, setup.test_split)):
        try:
            open_split(name)
        except BadInputError:
            setup.do("egobench", "data", "make", name)


def weights_of(setup: Setup, row: TableRow) -> Path | None:
    """Folder in which the row's finished weights lie; None where they are to be trained."""
    if setup.given is not None and (setup.given / f"{row.name}.safetensors").is_file():
        return setup.given
    card = setup.made / f"{row.name}.card.json"
    if not card.is_file() or not (setup.made / f"{row.name}.safetensors").is_file():
        return None
    recipes, facts = RECIPES[setup.preset], json.loads(card.read_text())
    recipe = recipes.fine if PRESETS[setup.preset].coarse_patch else recipes.joint
    expected = {"recipe": asdict(replace(recipe, seed=row.seed)), "data_digest": setup.training.digest}
    return setup.made if {key: facts.get(key) for key in expected} == json.loads(json.dumps(expected)) else None


def train(setup: Setup, row: TableRow) -> None:
    """Trains a row, or goes on with it. Raises StoppedError where the time ended it with a checkpoint."""
    if weights_of(setup, row):
        return
    options = ["--preset", setup.preset, "--variant", row.variant, "--seed", row.seed, "--device", setup.device]
    options += ["--split", setup.train_split, "--val", setup.val_split, "--work", setup.work, "--out", setup.made]
    options += ["--threads", setup.threads] if setup.threads else []
    options += ["--adopt", setup.given] if setup.given else []
    setup.do("egobench", "train", "egotwin", *options, *setup.minutes)
    if weights_of(setup, row) is None:
        raise StoppedError


def model_of(setup: Setup, row: TableRow, guidance: Guidance = PLAIN) -> EgoTwinModel:
    """The row as `egobench run` takes it. Raises BadInputError where a file is missing."""
    return EgoTwinModel(
        row.variant, row.seed, setup.preset, weights_of(setup, row), steps=setup.steps, guidance=guidance.text,
        partner_guidance=guidance.partner,
    )  # pyright: ignore[reportArgumentType]  # fmt: skip


def choice_file(setup: Setup, row: TableRow) -> Path:
    """Where the row's choice of guidance stands: with the board, since it says how the guided rows were sampled.

    Second seeds take the first one's: only the training differs.
    """
    return setup.board / "guidance" / f"{row.variant}.json"


def chosen(setup: Setup, row: TableRow) -> Guidance | None:
    """The row's guidance, chosen for its own weights of seed 0 (a second seed's where seed 0 has none)."""
    path, own = choice_file(setup, row), _chooser(setup, row)
    if not path.is_file():
        return None
    content = json.loads(path.read_text())
    expected = {"weights_sha256": dict(model_of(setup, own).weights_sha256), "steps": setup.steps}
    expected |= {"train_seed": own.seed, "preset": setup.preset, "split_digest": open_split(setup.val_split).digest}
    expected |= {"clips": min(setup.clips, len(open_split(setup.val_split).infos()))}
    if content["chosen"] is None or any(content["asked"][key] != value for key, value in expected.items()):
        return None
    return Guidance(**content["chosen"])


def choose(setup: Setup, row: TableRow) -> Guidance:
    """Chooses the row's guidance, or reads it. Raises StoppedError where the time ended it between two pairs."""
    if (found := chosen(setup, row)) is not None:
        return found
    own = _chooser(setup, row)
    options = ["--variant", own.variant, "--train-seed", own.seed, "--preset", setup.preset, "--task"]
    options += [task_of(own.variant), "--weights", weights_of(setup, own), "--split", setup.val_split, "--clips"]
    options += [setup.clips, "--steps", setup.steps, "--device", setup.device, "--out", choice_file(setup, row)]
    options += ["--threads", setup.threads] if setup.threads else []
    setup.do("guidance", *options, *setup.minutes)
    if (found := chosen(setup, row)) is None:
        raise StoppedError
    return found


def _chooser(setup: Setup, row: TableRow) -> TableRow:
    first = replace(row, seed=0)
    return first if weights_of(setup, first) else row


def run_folder(setup: Setup, row: TableRow, guidance: Guidance) -> Path:
    """Folder of the row's runs at a guidance."""
    return setup.work / "runs" / (row.name if guidance == PLAIN else f"{row.name}-guided")


def runs_of(setup: Setup, row: TableRow, guidance: Guidance) -> list[tuple[str, Path]]:
    """(status, run) of the row's runs with these weights, settings and clips, finished ones first."""
    model = model_of(setup, row, guidance)
    settings = {name: value for name, value in vars(model).items() if name not in ("weights", "pretrained")}
    finished = []
    for path in sorted(run_folder(setup, row, guidance).glob("*/manifest.json")):
        manifest: dict[str, Any] = json.loads(path.read_text())
        same = all(manifest["model"]["settings"][name] == value for name, value in settings.items())
        request = (manifest["request"]["task"], manifest["request"]["limit"], manifest["split"]["digest"])
        if same and request == (task_of(row.variant), setup.limit, setup.test.digest):
            finished.append((manifest["status"], path.parent))
    return sorted(finished, key=lambda run: run[0] != "done")


def is_run(setup: Setup, row: TableRow, guidance: Guidance) -> bool:
    """Whether the row has a finished run at a guidance."""
    return any(status == "done" for status, _ in runs_of(setup, row, guidance))


def run(setup: Setup, row: TableRow, guidance: Guidance) -> Path:
    """Samples and scores the row on the test split, or finds the run; one that was interrupted is gone on with."""
    runs = runs_of(setup, row, guidance)
    if runs and runs[0][0] == "done":
        return runs[0][1]
    if runs and setup.do("egobench", "resume", runs[0][1], allowed=(0, OTHER_CODE, INCOMPLETE)) != OTHER_CODE:
        return runs[0][1]
    options = ["--model", "egotwin", "--split", setup.test_split, "--task", task_of(row.variant), "--workers"]
    options += [setup.workers, "--device", setup.device, "--out", run_folder(setup, row, guidance)]
    options += ["--limit", setup.limit] if setup.limit else []
    settings = {"preset": setup.preset, "variant": row.variant, "train_seed": row.seed, "steps": setup.steps}
    settings |= {"weights": weights_of(setup, row), "guidance": guidance.text, "partner_guidance": guidance.partner}
    pairs = [f"{name}={value}" for name, value in settings.items()]
    if setup.do("egobench", "run", *options, "--set", *pairs, allowed=(0, INCOMPLETE)) == INCOMPLETE:
        print(f"{row.label}: some clips failed; the run says which, and the board how many", file=sys.stderr)
    done = [path for status, path in runs_of(setup, row, guidance) if status == "done"]
    if not done:
        raise FailedError(["egobench", "run", *pairs], INCOMPLETE)
    return done[-1]


def enter(setup: Setup, label: str, path: Path) -> bool:
    """Makes a run the board's row of this label; another run's entry of the same label leaves the board.

    Returns: whether the board has changed.
    """
    for file in sorted((setup.board / "entries").glob("*.json")):
        origin = json.loads(file.read_text())["provenance"]
        if origin["model"] == label and origin["run"] == path.name:
            return False
        if origin["model"] == label:
            print(f"{label}: the entry of {origin['run']} gives its place to {path.name}")
            file.unlink()
    setup.do("egobench", "leaderboard", "add", path, setup.board, "--label", label, "--kind", "model")
    return True


def leave(setup: Setup, label: str) -> bool:
    """Takes a label off the board: that of a row at a guidance which is no longer its best.

    Returns: whether the board has changed.
    """
    files = list((setup.board / "entries").glob("*.json"))
    entries = [file for file in files if json.loads(file.read_text())["provenance"]["model"] == label]
    for file in entries:
        print(f"{label}: leaves the board; this row is best without guidance")
        file.unlink()
    return bool(entries)
