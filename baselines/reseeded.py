"""Control `reseeded`: a model's video from one seed with its motion from another, for the same prompt."""

from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, ClassVar

from egobench import BadInputError, Condition, Sample


@dataclass(frozen=True)
class ReseededControl:
    """Both halves are the model's own and fit the text, the first frame and the first pose, but not each other.

    Expected: as good as the model on everything that looks at one half, and worse on trans-err, rot-err, hand-score
    and sync-lag by as much as its video and motion agree beyond what the condition explains. Where it is not worse,
    the model's consistency is obedience to the prompt.
    """

    is_control: ClassVar[bool] = True

    model: str = "egotwin_ref.adapter:EgoTwinModel"
    """`package.module:Class` of the model. The default is the name that earlier runs recorded: a new run keeps
    their identity."""
    variant: str | None = None
    """Of the model, where it has such a setting."""
    steps: int | None = None
    """Of the model, where it has such a setting."""
    partner_guidance: float | None = None
    """Of the model, where it has such a setting."""
    settings: Any = field(init=False, default=None)
    """The model with all its settings, weights among them: a run with other weights is another run."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", self._model())

    def load(self, device: str) -> "Reseeded":
        """Loads the model."""
        return Reseeded(self.settings.load(device))

    def check_split(self, split: Any) -> None:
        """Asks the model, if it can tell."""
        check = getattr(self.settings, "check_split", None)
        if check is not None:
            check(split)

    def _model(self) -> Any:
        """Raises BadInputError: `model-class`: no such class."""
        module, _, name = self.model.partition(":")
        try:
            kind = getattr(import_module(MOVED.get(module, module)), name)
        except (ImportError, AttributeError, ValueError):
            line = f"no model {self.model!r}; package.module:Class is needed"
            raise BadInputError(line, code="model-class") from None
        model = kind()
        passed = {name: getattr(self, name) for name in PASSED if getattr(self, name) is not None}
        unknown = sorted(set(passed) - set(getattr(model, "__dataclass_fields__", {})))
        if unknown:
            raise BadInputError(f"{self.model} has no setting {', '.join(unknown)}", code="model-class")
        return replace(model, **passed)


class Reseeded:
    """Samples the model twice."""

    def __init__(self, sampler: Any) -> None:
        self.sampler = sampler

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """The video of `seed`, the motion of the seed far behind it."""
        video = self.sampler.sample(condition, seed=seed).video
        return Sample(video, self.sampler.sample(condition, seed=seed + FAR).motion)


MOVED = {"egotwin_ref.adapter": "egotwin_ref.adapters.model"}
"""Modules that have another place now."""
PASSED = ("variant", "steps", "partner_guidance")
"""Settings that are the model's."""
FAR = 1_000_003
"""Between the two seeds, so that no run with a few seeds pairs a half with its own other half."""
