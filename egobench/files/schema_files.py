"""The JSON Schemas of the files that are written, as they lie in the folder `schemas`."""

import os

FOLDER = os.path.join(os.path.dirname(__file__), "schemas")
SUFFIX = ".schema.json"


def schema_names() -> list[str]:
    """Sorted names."""
    return sorted(name.removesuffix(SUFFIX) for name in os.listdir(FOLDER) if name.endswith(SUFFIX))


def schema_text(name: str) -> str:
    """One schema as it lies there."""
    with open(os.path.join(FOLDER, name + SUFFIX), encoding="utf-8") as file:
        return file.read()
