"""Digest of a model's code, so that a run with samples of two versions of a model says so.

The code of this suite's own packages is recorded and compared when a run is resumed. It is no part of a run's identity:
a corrected comment must not rename every run of a control.
"""

import importlib.metadata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import egobench
from egobench.errors import BadInputError
from egobench.files.digest import digest_file, digest_json
from egobench.files.modules import OWN_PACKAGES, code_files

CHANGED = "model-code"
"""Code of the error that the model's code has changed since the run was started."""


def code_record(target: str) -> dict[str, Any]:
    """What a manifest keeps of a model's code: `name` of its module, `version` of the package it was installed with
    (empty for a file of one's own), number of `files` and their `sha256`.

    Args:
        target: `module:attr` or `file.py:attr`.
    """
    module = target.rpartition(":")[0]
    file = Path(module) if module.endswith(".py") else None
    module = module if file is None else file.stem
    files = code_files(module, file)
    return {
        "name": module if file is None else file.name,
        "version": _version(module.partition(".")[0]),
        "files": len(files),
        "sha256": digest_json({name: digest_file(path) for name, path in files.items()}),
    }


def codes_of(model: Mapping[str, Any]) -> tuple[str, ...]:
    """Digests of the model's code that enter a run's identity, earlier ones first. Empty for a model of this suite, and
    for a run that was started before code was recorded.

    Args:
        model: of the manifest.
    """
    code = model.get("code")
    if not code or str(code["name"]).partition(".")[0] in OWN_PACKAGES:
        return ()
    return (*(str(each["sha256"]) for each in model.get("earlier_code", ())), str(code["sha256"]))


def check_code(target: str, sha256: str) -> None:
    """Refuses a model whose code has changed since the run was started or resumed.

    Args:
        sha256: what it was; empty where that is not known.

    Raises:
        BadInputError: `model-code`: it has changed.
    """
    if sha256 and code_record(target)["sha256"] != sha256:
        text = f"the code of {target} changed while the run was at work; its samples would be of two versions"
        raise BadInputError(
            f"{text}; change it back and resume, start a new run, or resume with --allow-changed-code", code=CHANGED
        )


def changed_text(model: Mapping[str, Any]) -> str:
    """One line on a run that was resumed with other code; empty for any other run.

    Args:
        model: of the manifest.
    """
    parts = [f"{each['items']} items by {str(each['sha256'])[:12]}" for each in model.get("earlier_code", ())]
    if not parts:
        return ""
    return f"samples are of {len(parts) + 1} versions of the model's code: {', '.join(parts)}, the rest by " + (
        f"{str(model['code']['sha256'])[:12]} (--allow-changed-code)"
    )


def _version(top: str) -> str:
    if top in OWN_PACKAGES:
        return egobench.__version__
    names = _distributions().get(top)
    return importlib.metadata.version(names[0]) if names else ""


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Top module → distributions that contain it. Cached: the lookup takes a second and is needed for every metric."""
    return importlib.metadata.packages_distributions()
