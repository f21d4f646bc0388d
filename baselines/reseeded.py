"""Control `reseeded`: a model's video from one seed with its motion from another, for the same prompt."""

from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, ClassVar

from egobench import BadInputError, Condition, Sample


@dataclass(frozen=True)
class ReseededControl:
    """The model's video and motion from two seeds: each of them fits the condition, but they do not fit each other.

    Expected: as good as the model on metrics of one modality, and worse on trans-err, rot-err, hand-score and sync-lag.
    The difference is the agreement of video and motion beyond what the condition explains. If it is not worse, the
    model's consistency comes from the prompt only.
    """

    is_control: ClassVar[bool] = True

    model: str = "egotwin_ref.adapter:EgoTwinModel"
    """`package.module:Class` of the model. The default is the name that earlier runs recorded, so that a new run has
    their identity."""
    variant: str | None = None
    """The model's setting of this name, if it has one."""
    steps: int | None = None
    """The model's setting of this name, if it has one."""
    partner_guidance: float | None = None
    """The model's setting of this name, if it has one."""
    settings: Any = field(init=False, default=None)
    """The model with all its settings and weights: a run with other weights is another run."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", self._model())

    def load(self, device: str) -> "Reseeded":
        """Loads the model."""
        return Reseeded(self.settings.load(device))

    def check_split(self, split: Any) -> None:
        """Calls the model's `check_split`, if it has one."""
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
        """The video of `seed`, and the motion of another seed far from it."""
        video = self.sampler.sample(condition, seed=seed).video
        return Sample(video, self.sampler.sample(condition, seed=seed + FAR).motion)


MOVED = {"egotwin_ref.adapter": "egotwin_ref.adapters.model"}
"""Old → new names of modules."""
PASSED = ("variant", "steps", "partner_guidance")
"""Settings that are passed to the model."""
FAR = 1_000_003
"""Difference of the two seeds, so that no run with a few seeds uses a seed's own pair."""
