"""Replaces characters that the encoding of the terminal or output file does not have, so that printing never fails.

A character that the encoding has stays as it is. Others get a replacement in ASCII. If there is none, they become a
question mark.
"""

import codecs
import sys

STAND_INS = {
    "±": "+-", "−": "-", "–": "-", "—": "-", "·": ".", "…": "...", "×": "x", "²": "^2", "³": "^3", "°": " deg",
    "↑": "^", "↓": "v", "→": "->", "←": "<-", "≈": "~", "≤": "<=", "≥": ">=", "≠": "!=", "∞": "inf",
    "√": "sqrt", "σ": "sigma", "µ": "u", "μ": "u", "Δ": "delta", "λ": "lambda", "’": "'", "‘": "'", "“": '"', "”": '"',
    "«": '"', "»": '"', "│": "|", "─": "-", "━": "-", "┃": "|", "✓": "ok", "✗": "x", "•": "*", "†": "(+)", "‡": "(++)",
}  # fmt: skip
HANDLER = "egobench-stand-ins"


def use_stand_ins() -> None:
    """After this call, printing does not fail because of a character."""
    codecs.register_error(HANDLER, _stand_in)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and not stream.encoding.lower().replace("-", "").startswith("utf"):
            reconfigure(errors=HANDLER)


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """The replacement for the characters that `error` names, and the position to continue from."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(STAND_INS.get(sign, "?") for sign in found), error.end
