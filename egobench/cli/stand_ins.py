"""What is printed where the terminal, or the file behind it, is not in Unicode: a result must not end in an error.

A sign that the encoding has stays as it is; others get a stand-in in ASCII, and what has none becomes a question mark.
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
    """From here on nothing that is printed fails for its signs."""
    codecs.register_error(HANDLER, _stand_in)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and not stream.encoding.lower().replace("-", "").startswith("utf"):
            reconfigure(errors=HANDLER)


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """Of what `error` says could not be written, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(STAND_INS.get(sign, "?") for sign in found), error.end
