"""Options that some verbs do not have, although another verb has them: the reason, and what to do instead."""

from collections.abc import Sequence

from egobench.errors import BadInputError

_MAP = "--skeleton-map"
_MODEL = (
    'a model is code and returns the split\'s own joints: `egobench.read_skeleton_map("map.toml").pick(array)` brings '
    "its arrays to them, and a split on a skeleton of your own declares it once"
)
_SPLIT = "a split says its skeleton itself, once"
_DECLARE = "`egobench data skeleton FOLDER --skeleton-map map.toml`, docs/motion-files.md"
ABSENT = {
    ("run", _MAP): f"{_MODEL} ({_DECLARE})",
    ("fit", _MAP): f"{_SPLIT} ({_DECLARE})",
    ("train", _MAP): f"{_SPLIT} ({_DECLARE})",
    ("calibrate", _MAP): f"{_SPLIT} ({_DECLARE})",
}
"""(verb, option) → why the verb does not have it."""


def refuse_absent(verb: str, arguments: Sequence[str]) -> None:
    """Refuses an option that a verb does not have, with the reason.

    Raises:
        BadInputError: `option-absent`.
    """
    for word in arguments:
        why = ABSENT.get((verb, word.partition("=")[0]))
        if why:
            text = f"{verb} has no {word.partition('=')[0]}: {why}"
            raise BadInputError(text, code="option-absent")
