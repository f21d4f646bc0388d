"""`egobench describe NAME`: definition, options and defaults of anything that has a name."""

import os
from collections import Counter
from collections.abc import Mapping

from egobench.catalog import KINDS, METHODS
from egobench.cli.described import Described, describe
from egobench.cli.plain import parse_plain
from egobench.cli.stdout import print
from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:  # see egobench.registry
    from typing import Any

USAGE = f"""usage: egobench describe NAME [--kind KIND] [--preset PRESET] [--json]

What stands behind a name: definition, options, defaults. A class of your own is imported.

  NAME      a name of `egobench list`, module:Name, or a split folder
  --kind    where one name stands for several things: {", ".join(KINDS)}
  --preset  of a metric: also the extractor or estimator behind it, as in `describe fvd --preset i3d.crop`
  --json    machine-readable output"""
INDEX = "split.json"
EXTRACTOR_FACTS = ("name", "provides", "gives", "steps", "used_by", "weights")
"""Facts of an extractor in the order of printing; other facts come after them."""
USES = {
    "models": "egobench run --model {name} --split egomini-smoke",
    "metrics": "egobench run --model static --split egomini-smoke --metrics {name}",
    "splits": "egobench run --model static --split {name}",
}


def main(arguments: list[str]) -> int:
    """Prints the description of a name."""
    options = parse_plain(USAGE, arguments, ("--kind", "--preset", "--json"))
    if options.word is None:
        raise BadInputError("a name is needed; `egobench list` prints all of them", code="option-form")
    if options.kind not in (None, *KINDS):
        raise UnknownNameError(unknown("kinds", options.kind, list(KINDS)))
    name = options.word
    found = [_describe(kind, name) for kind in _kinds_of(name, options.kind)]
    if options.preset is not None:
        found = [
            _with_preset(entry, options.preset) for entry in found if entry["kind"] == "metrics" or len(found) == 1
        ]
    if options.json:
        import json

        print(json.dumps(found[0] if len(found) == 1 else found, indent=2, sort_keys=True, ensure_ascii=False))
    else:
        print("\n\n".join(_text(entry) for entry in found))
    return 0


def _kinds_of(name: str, wanted: str | None) -> list[str]:
    """The kinds that have this name.

    Raises:
        UnknownNameError: no kind has it; the message suggests similar names of all kinds.
    """
    if os.path.isfile(os.path.join(name, INDEX)):
        return ["splits"]
    kinds = {kind: registry.targets() for kind, registry in KINDS.items() if wanted in (None, kind)}
    if ":" in name:
        return [wanted or "models"]
    found = [kind for kind, targets in kinds.items() if name in targets]
    if not found:
        known = {known: None for targets in kinds.values() for known in targets}
        raise UnknownNameError(unknown(wanted or "names", name, known))
    return found


def _describe(kind: str, name: str) -> "dict[str, Any]":
    if os.path.isfile(os.path.join(name, INDEX)):
        return {"name": name, "kind": kind, "facts": _read_index(os.path.join(name, INDEX))}
    source = describe(KINDS[kind], name)
    facts = dict(source.facts)
    if kind == "splits":
        facts |= _shipped_facts(source, name)
    if kind == "extractors" and isinstance(facts.get("weights"), str):
        facts = {key: facts.pop(key) for key in EXTRACTOR_FACTS if key in facts} | facts
        facts["weights"] = _weights_facts(facts["weights"])
    if kind == "estimators":
        from egobench.cli.card_facts import card_facts

        calibration = card_facts(source.file, name)
        facts |= {"calibration": calibration} if calibration else {}
    return {
        **{"name": name, "kind": kind, "target": source.target, "file": source.file, "line": source.line},
        **{"doc": source.doc, "facts": facts, "fields": [vars(field) for field in source.fields]},
    }


def _with_preset(entry: "dict[str, Any]", preset: str) -> "dict[str, Any]":
    """A metric's entry, which contains the entry of the extractor or estimator.

    Raises:
        BadInputError: it is no metric, it takes no preset, or the preset does not provide what the metric needs.
        UnknownNameError: there is no such preset.
    """
    taken = next((field for field in entry.get("fields", ()) if field["name"] == "preset"), None)
    if entry["kind"] != "metrics" or taken is None:
        raise BadInputError(f"{entry['name']} takes no preset", code="option-form")
    kind = str(entry["facts"].get("preset_kind", "extractors"))
    targets = KINDS[kind].targets()
    if preset not in targets and ":" not in preset:
        raise UnknownNameError(unknown("presets", preset, targets))
    behind = _describe(kind, preset)
    provides, asks = behind["facts"].get("provides"), describe(KINDS["metrics"], entry["name"]).asks
    missing = [METHODS[what] for what in asks if what in METHODS and METHODS[what] not in (provides or ())]
    if provides is not None and missing:
        made = f"{preset} provides {', '.join(provides)}, not {', '.join(missing)}"
        raise BadInputError(f"{entry['name']} cannot use this preset: {made}", code="metric-preset")
    return {**entry, "preset": behind}


def _weights_facts(name: str) -> "dict[str, Any]":
    """The facts about an extractor's weights in the manifest."""
    from egobench.extractors.weights_manifest import weight_file

    entry = weight_file(name)
    source = "stated by the publisher" if entry.verified else "stated by third parties only"
    return {
        **{"id": entry.id, "file": entry.file, "sha256": entry.sha256 or "not known", "the sha256 is": source},
        **{"bytes": entry.bytes or "not published", "licence": entry.licence, "urls": list(entry.urls)},
        **({"note": entry.note} if entry.note else {}),
    }


def _shipped_facts(source: Described, name: str) -> "dict[str, Any]":
    """The facts in the split's index, if the split ships with the package."""
    folder = os.path.join(os.path.dirname(source.file), "shipped")
    parent = source.facts.get("subset_of") or name
    for index in (os.path.join(folder, parent, INDEX), os.path.join(folder, f"{parent}.json.gz")):
        if os.path.isfile(index):
            facts = _read_index(index)
            if parent != name:  # the index has the clip count and the digest of the whole split
                facts = {key: value for key, value in facts.items() if key == "facts"}
            return facts
    return {"index": f"not shipped; `egobench data make {parent}` makes the clips"}


def _read_index(path: str) -> "dict[str, Any]":
    import gzip
    import json

    try:
        with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
            content = json.loads(file.read())
        clips = content["clips"]
        return {
            "clips": len(clips),
            "recordings": len({clip["sequence"] for clip in clips}),
            "participants": len({clip["participant"] for clip in clips}),
            "strata": dict(sorted(Counter(clip["stratum"] for clip in clips).items())),
            "captions that differ": len({clip["text"] for clip in clips}),
            "digest": content["digest"],
            "made by": content.get("made_by"),
            "facts": content["facts"],
        }
    except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
        raise BadInputError(f"{path} is damaged: {error!r}", code="split-damaged") from None


def _text(entry: "Mapping[str, Any]") -> str:
    place = f"  {entry['file']}:{entry['line']}" if "file" in entry else ""
    lines = [f"{entry['name']}  ({entry['kind']}){place}"]
    if entry.get("doc"):
        lines += ["", entry["doc"]]
    if entry["facts"]:
        lines += ["", *_pairs(entry["facts"])]
    if entry.get("fields"):
        lines += ["", "options" + (" (--set NAME=VALUE)" if entry["kind"] == "models" else "")]
        for field in entry["fields"]:
            default = "" if field["default"] is None else f" = {field['default']}"
            lines.append(f"  {field['name']}: {field['type']}{default}")
            lines += [f"      {line}" for line in field["doc"].splitlines()]
    if "preset" in entry:
        preset = entry["preset"]
        lines += ["", f"use: {USES['metrics'].format(name=entry['name'] + ':' + preset['name'])}", "", _text(preset)]
    elif entry["kind"] in USES:
        lines += ["", f"use: {USES[entry['kind']].format(name=entry['name'])}"]
    return "\n".join(lines)


def _pairs(facts: "Mapping[str, Any]", indent: str = "  ") -> list[str]:
    width = max(len(key) for key in facts)
    lines = []
    for key, value in facts.items():
        if isinstance(value, Mapping) and value:
            lines += [f"{indent}{key}", *_pairs(value, indent + "  ")]
        elif isinstance(value, tuple | list) and value and all(isinstance(part, str) for part in value):
            marks = (f"{number}." if key == "steps" else "-" for number in range(1, len(value) + 1))
            lines += [f"{indent}{key}", *(f"{indent}  {mark} {part}" for mark, part in zip(marks, value, strict=True))]
        else:
            lines.append(f"{indent}{key:<{width}}  {value}")
    return lines
