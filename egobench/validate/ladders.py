"""`ladders.toml`: which faults a metric must notice, which faults it must ignore, and how it must rank the controls."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import unknown

Direction = Literal["worse", "unmoved"]
SHIPPED = Path(__file__).parent / "ladders.toml"
REFERENCE, SHUFFLED = "reference", "shuffled"
"""Controls that every validation runs."""
CORRUPTED = "corrupted"


@dataclass(frozen=True)
class Fault:
    """A fault of the control `corrupted`."""

    unit: str
    strengths: tuple[float, ...]
    """Rising, above 0."""


@dataclass(frozen=True)
class Expectation:
    """What one metric must and must not notice."""

    worse: tuple[str, ...] = ()
    unmoved: tuple[str, ...] = ()
    order: tuple[tuple[str, ...], ...] = ()
    """Chains of controls from better to worse."""
    resolution: float = 0.0
    """A smaller change means nothing, in the metric's unit."""

    @property
    def ladders(self) -> dict[str, Direction]:
        """Fault → its required effect on the metric."""
        return {**dict.fromkeys(self.worse, "worse"), **dict.fromkeys(self.unmoved, "unmoved")}


@dataclass(frozen=True)
class Ladders:
    """All declarations."""

    faults: Mapping[str, Fault]
    metrics: Mapping[str, Expectation] = field(default_factory=dict)

    def of(self, metrics: Sequence[str]) -> "Ladders":
        """The declarations for these metrics, and the faults that they name."""
        kept = {name: self.metrics[name] for name in metrics if name in self.metrics}
        named = {fault for expectation in kept.values() for fault in expectation.ladders}
        return Ladders({name: fault for name, fault in self.faults.items() if name in named}, kept)

    def only(self, faults: Sequence[str]) -> "Ladders":
        """The ladders of these faults; orders of controls stay.

        Raises:
            UnknownNameError: no such fault.
        """
        for fault in faults:
            if fault not in self.faults:
                raise UnknownNameError(unknown("faults", fault, list(self.faults)))
        kept = {
            name: replace(
                each,
                worse=tuple(fault for fault in each.worse if fault in faults),
                unmoved=tuple(fault for fault in each.unmoved if fault in faults),
            )
            for name, each in self.metrics.items()
        }
        return Ladders({name: fault for name, fault in self.faults.items() if name in faults}, kept)

    @property
    def rungs(self) -> list[tuple[str, float]]:
        """(fault, strength), in the order of the file."""
        return [(name, strength) for name, fault in self.faults.items() for strength in fault.strengths]

    @property
    def controls(self) -> list[str]:
        """Reference and shuffled, then whatever else an order names."""
        chains = (control for each in self.metrics.values() for chain in each.order for control in chain)
        return list(dict.fromkeys([REFERENCE, SHUFFLED, *chains]))


def load_ladders(path: Path = SHIPPED) -> Ladders:
    """Reads and checks a file of ladders.

    Raises:
        BadInputError: `ladders-form`: not that format, or strengths that do not rise from above 0.
        UnknownNameError: a metric names a fault that is not declared, or a key is misspelt.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        faults = {name: _fault(name, each) for name, each in document["faults"].items()}
        metrics = {name: _expectation(name, each, faults) for name, each in document["metrics"].items()}
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInputError(f"{path}: no ladders: {error}", code="ladders-form") from None
    return Ladders(faults, metrics)


def _fault(name: str, said: Mapping[str, Any]) -> Fault:
    strengths = tuple(float(strength) for strength in said["strengths"])
    if not strengths or strengths[0] <= 0 or any(low >= high for low, high in pairwise(strengths)):
        raise ValueError(f"strengths of {name} are {list(strengths)}; they must rise from above 0")
    return Fault(str(said["unit"]), strengths)


def _expectation(name: str, said: Mapping[str, Any], faults: Mapping[str, Fault]) -> Expectation:
    keys = ("worse", "unmoved", "order", "resolution")
    for key in said:
        if key not in keys:
            raise UnknownNameError(unknown(f"keys of metric {name}", key, list(keys)))
    for fault in (*said.get("worse", ()), *said.get("unmoved", ())):
        if fault not in faults:
            raise UnknownNameError(unknown(f"faults (of metric {name})", fault, list(faults)))
    both = set(said.get("worse", ())) & set(said.get("unmoved", ()))
    if both:
        raise ValueError(f"{name}: {', '.join(sorted(both))} cannot be both worse and unmoved")
    chains = tuple(tuple(part.strip() for part in chain.split("<")) for chain in said.get("order", ()))
    if any(len(chain) < 2 or not all(chain) for chain in chains):
        raise ValueError(f"{name}: an order is written 'better < worse', found {list(said['order'])}")
    resolution = float(said.get("resolution", 0.0))
    return Expectation(tuple(said.get("worse", ())), tuple(said.get("unmoved", ())), chains, resolution)
