"""An artefact of training: a folder with checkpoint and log and, once the training is over, weights and a card."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import nn

from egotwin_ref.loading import cogvideox, weights
from egotwin_ref.loading.bundle import download_of
from egotwin_ref.model.configs import PRESETS, Variant
from egotwin_ref.model.network import EgoTwin, is_motion

from . import cards, curves
from .adoption import adopt
from .clips import Clips
from .distributed import agreed, gathered, rank, wait
from .loop import LoopOptions, train
from .recipes import Recipe
from .stepping import Loss


@dataclass(frozen=True)
class Artefacts:
    """The artefacts of one preset: each is trained once, unless its recipe has more steps later."""

    preset: str
    folder: Path
    """The preset's folder of work; an artefact's folder is in it, under the artefact's name."""
    clips: Clips
    options: LoopOptions
    adopted: Path | None = None
    """Folder of finished weights to take over; see `adoption`."""

    def finished(self, name: str, recipe: Recipe, parents: list[Path]) -> Path | None:
        """The artefact's weights, if they were made by this recipe from these parents; else None."""
        folder = self.folder / name
        is_finished = self._agreed(cards.is_finished(folder, cards.expected(recipe, parents)))
        return folder / cards.FILE if is_finished else None

    def train(
        self,
        name: str,
        module: nn.Module,
        loss: Loss,
        recipe: Recipe,
        parents: list[Path],
        metadata: Mapping[str, str] | None = None,
        finish: Callable[[nn.Module], None] = lambda module: None,
        options: LoopOptions | None = None,
    ) -> Path:
        """Trains an artefact, or takes it over, unless it is finished; returns its weights.

        Args:
            parents: weights that it was built from.
            metadata: what its weight file says in addition to kind and preset.
            finish: called with the trained module before its weights are written.
            options: in place of those of all artefacts.

        Raises:
            ValueError: the folder holds a training by another recipe.
            OutOfTimeError: the time is up; a checkpoint is written.
        """
        if weights_file := self.finished(name, recipe, parents):
            return weights_file
        folder, expected = self.folder / name, cards.expected(recipe, parents)
        started_from = None
        if self.adopted is not None and not self._agreed(cards.is_begun(folder)):
            shipped = Path(name).parent.name if name.endswith("/stage3") else name
            started_from = adopt(self.adopted, shipped, folder, expected, module, self.preset)
        if weights_file := self.finished(name, recipe, parents):
            return weights_file
        self._loop(module, loss, recipe, folder, options or self.options)
        module.eval()
        finish(module)
        kind = "transformer" if isinstance(module, EgoTwin) else name
        state = {key: value for key, value in module.state_dict().items() if name != "stage0" or not is_motion(key)}
        facts = {"clips": len(self.clips), "data_digest": self.clips.digest, "started_from": started_from}
        file_metadata = {"kind": kind, "preset": self.preset, **(metadata or {})}
        return cards.write(folder, gathered(state), file_metadata, {**expected, **facts})

    def copy_cogvideox(self, row: Variant, recipe: Recipe, pretrained: Path | None) -> Path:
        """Stage 0 of a large preset: CogVideoX's network, as the weights that a row starts from."""
        folder, download = self.folder / "stage0", download_of(pretrained)
        path, files = folder / cards.FILE, cogvideox.Download.files(download.transformer)
        expected = {"recipe": asdict(recipe), "parents": {file.name: cards.sha256(file) for file in files}}
        if rank() == 0 and not cards.is_finished(folder, expected):
            model = EgoTwin(PRESETS[self.preset].network, row)
            cogvideox.load(model, download.transformer)
            state = {key: value for key, value in model.state_dict().items() if not is_motion(key)}
            weights.save(path, state, {"kind": "transformer", "preset": self.preset})
            card = {**expected, "sha256": cards.sha256(path)}
            (folder / cards.CARD).write_text(json.dumps(card, indent=2) + "\n")
        wait()
        return path

    def _loop(self, module: nn.Module, loss: Loss, recipe: Recipe, folder: Path, options: LoopOptions) -> None:
        """Trains the module, if any of it is trained, and draws the log, also of a training that was stopped."""
        module.to(self.options.device)
        try:
            if any(value.requires_grad for value in module.parameters()):
                module.load_state_dict(train(module, loss, recipe, folder, options))
        finally:
            if rank() == 0 and self.options.draw_curves:
                curves.draw(folder, recipe.batch)

    def _agreed(self, decision: bool) -> bool:
        """The first process's decision: the others may see files that it wrote in the meantime."""
        return agreed(decision, self.options.device)
