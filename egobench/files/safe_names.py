"""Names that may become the name of a file or folder on every system: a clip's, above all."""

import re
from collections.abc import Iterable

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
"""What a clip id may look like, since it names a folder."""
SAFE_WORDS = "letters a to z, digits and . _ + - are right, a letter or digit first, 128 at most"
"""The same for people."""


def unsafe_names(names: Iterable[str]) -> list[str]:
    """Those that may not name a folder, in their order."""
    return [name for name in names if not SAFE_NAME.fullmatch(name)]
