"""`gate.toml`: the tolerance and the severity of each metric at a gate.

schema = 1
allow_failed = 0                rows of a metric that may be lost to failures before the gate is incomplete (exit 4)
[defaults]                      for every metric of the baseline that has no table of its own
severity = "warn"               gate: decides the exit code | warn: is annotated | info: is only printed
absolute = 0.0                  tolerance in the metric's unit …
relative = 0.02                 … or as a share of the baseline's value; the larger of the two holds
[metrics.r-precision]           the same keys, for one metric
severity = "gate"
absolute = 0.02
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from egobench.compare.verdict import DEFAULT_RELATIVE, Tolerance
from egobench.errors import BadInputError
from egobench.registry import unknown

SCHEMA = 1
Severity = Literal["gate", "warn", "info"]


@dataclass(frozen=True)
class Rule:
    """Severity and tolerance of one metric."""

    severity: Severity = "warn"
    absolute: float = 0.0
    relative: float = DEFAULT_RELATIVE

    @property
    def tolerance(self) -> Tolerance:
        """The largest harm that is accepted."""
        return Tolerance(self.absolute, self.relative)


@dataclass(frozen=True)
class Policy:
    """A whole `gate.toml`."""

    name: str = "policy"
    """Its file, for messages."""
    defaults: Rule = Rule()
    metrics: Mapping[str, Rule] = field(default_factory=dict)
    allow_failed: int = 0

    def rule(self, metric: str) -> Rule:
        """The rule of one metric."""
        return self.metrics.get(metric, self.defaults)


DEFAULT_POLICY = Policy("the default policy", Rule("gate", relative=0.1))
"""Used without a gate.toml: every metric of the baseline is gated, with a tolerance of a tenth of its value there."""


def read_policy(path: Path | str) -> Policy:
    """Reads and checks a policy.

    Raises:
        BadInputError: `toml-missing`, `toml-damaged`, `policy-schema`, `policy-key` (unknown, or of another type),
            `policy-range`, `policy-empty` (no metric decides anything).
    """
    where, content = str(path), _content(Path(path))
    if content.get("schema") != SCHEMA:
        schema = content.get("schema")
        raise BadInputError(f"{where}: schema is {schema!r}; `schema = {SCHEMA}` is needed", code="policy-schema")
    known = ["schema", "allow_failed", "defaults", "metrics"]
    for key in content:
        if key not in known:
            raise BadInputError(f"{where}: {unknown('keys', key, known)}", code="policy-key")
    allowed = content.get("allow_failed", 0)
    if isinstance(allowed, bool) or not isinstance(allowed, int) or allowed < 0:
        raise BadInputError(f"{where}: allow_failed is {allowed!r}; a number of rows is needed", code="policy-range")
    defaults = _rule(Rule(), content.get("defaults", {}), f"{where} [defaults]")
    tables = content.get("metrics", {})
    if not isinstance(tables, dict):
        raise BadInputError(f"{where}: metrics must be tables like [metrics.i-fid]", code="policy-key")
    rules = {name: _rule(defaults, table, f"{where} [metrics.{name}]") for name, table in tables.items()}
    if defaults.severity != "gate" and all(rule.severity != "gate" for rule in rules.values()):
        text = 'no metric has severity "gate", so nothing can fail'
        raise BadInputError(f"{where}: {text}; give one, e.g. [metrics.r-precision]", code="policy-empty")
    return Policy(Path(path).name, defaults, rules, allowed)


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError):
        text = f"{path}: no such file; a policy like in docs/gate.md is needed"
        raise BadInputError(text, code="toml-missing") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} is not TOML: {error}", code="toml-damaged") from None


def _rule(base: Rule, content: Any, where: str) -> Rule:
    known = [each.name for each in fields(Rule)]
    if not isinstance(content, dict):
        raise BadInputError(f"{where} must be a table", code="policy-key")
    for key, value in content.items():
        if key in ("direction", "better"):
            raise BadInputError(f"{where}: the direction comes from the metric; leave {key} out", code="policy-key")
        if key not in known:
            raise BadInputError(f"{where}: {unknown('keys', key, known)}", code="policy-key")
        if key == "severity":
            if value not in get_args(Severity):
                raise BadInputError(f"{where}: severity is {value!r}; gate, warn or info", code="policy-key")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise BadInputError(f"{where}: {key} is {value!r}; a number is needed", code="policy-key")
        elif not (math.isfinite(value) and value >= 0):
            raise BadInputError(f"{where}: {key} is {value}; 0 or more is needed", code="policy-range")
    return replace(base, **content)
