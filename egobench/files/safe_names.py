"""Names that can be a file or folder on every system, such as clip ids."""

import re
from collections.abc import Iterable

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
"""Allowed clip ids: each names a folder."""
SAFE_WORDS = "letters a to z, digits and . _ + - are right, a letter or digit first, 128 at most"
"""The same rule as text."""


def unsafe_names(names: Iterable[str]) -> list[str]:
    """Names that cannot be a folder, in their order."""
    return [name for name in names if not SAFE_NAME.fullmatch(name)]
