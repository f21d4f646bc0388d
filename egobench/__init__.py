"""EgoBench: evaluation of models that generate first-person video and the wearer's body motion together.

The names below are the public API, resolved on first use; all else may move between versions.
"""

from importlib import import_module

__version__ = "0.1.0"

TYPE_CHECKING = False  # what type checkers take for true, without importing `typing`
if TYPE_CHECKING:
    from egobench import api as api
    from egobench.data.open import open_split as open_split
    from egobench.errors import BadInputError as BadInputError
    from egobench.errors import EgoBenchError as EgoBenchError
    from egobench.errors import Undefined as Undefined
    from egobench.errors import UnknownNameError as UnknownNameError
    from egobench.fit.model_training import TrainRequest as TrainRequest
    from egobench.geometry.border import check_motion as check_motion
    from egobench.geometry.skeleton import forward_kinematics as forward_kinematics
    from egobench.geometry.skeleton import get_skeleton as get_skeleton
    from egobench.motions.load import load_motion as load_motion
    from egobench.motions.skeleton_map import read_skeleton_map as read_skeleton_map
    from egobench.progress import Progress as Progress
    from egobench.progress import Quiet as Quiet
    from egobench.stats.pairing import SHUFFLE_SEED as SHUFFLE_SEED
    from egobench.stats.pairing import shuffled_partners as shuffled_partners
    from egobench.types import BatchSampler as BatchSampler
    from egobench.types import Camera as Camera
    from egobench.types import Clip as Clip
    from egobench.types import ClipInfo as ClipInfo
    from egobench.types import Condition as Condition
    from egobench.types import Model as Model
    from egobench.types import Motion as Motion
    from egobench.types import Reference as Reference
    from egobench.types import Result as Result
    from egobench.types import Sample as Sample
    from egobench.types import Sampler as Sampler
    from egobench.types import Split as Split
    from egobench.types import Video as Video

_PUBLIC = {
    "api": "egobench",
    "BadInputError": "egobench.errors",
    "BatchSampler": "egobench.types",
    "Camera": "egobench.types",
    "Clip": "egobench.types",
    "ClipInfo": "egobench.types",
    "Condition": "egobench.types",
    "EgoBenchError": "egobench.errors",
    "Model": "egobench.types",
    "Motion": "egobench.types",
    "Progress": "egobench.progress",
    "Quiet": "egobench.progress",
    "Reference": "egobench.types",
    "Result": "egobench.types",
    "SHUFFLE_SEED": "egobench.stats.pairing",
    "Sample": "egobench.types",
    "Sampler": "egobench.types",
    "Split": "egobench.types",
    "TrainRequest": "egobench.fit.model_training",
    "Undefined": "egobench.errors",
    "UnknownNameError": "egobench.errors",
    "Video": "egobench.types",
    "check_motion": "egobench.geometry.border",
    "forward_kinematics": "egobench.geometry.skeleton",
    "get_skeleton": "egobench.geometry.skeleton",
    "load_motion": "egobench.motions.load",
    "open_split": "egobench.data.open",
    "read_skeleton_map": "egobench.motions.skeleton_map",
    "shuffled_partners": "egobench.stats.pairing",
}
__all__ = ["__version__", *_PUBLIC]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'egobench' has no attribute {name!r}; public names: {', '.join(_PUBLIC)}")
    home = _PUBLIC[name]
    return import_module(f"{home}.{name}") if home == __name__ else getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
