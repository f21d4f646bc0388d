"""The documentation and the table of codes say the same, and no reader has a code that stands in neither."""

import re
from pathlib import Path

from broken import WAYS

from egobench.submissions.codes import CODES, GROUPS, error_page
from egobench.submissions.description import KEYS
from egobench.submissions.example import NOTES
from egobench.submissions.write import TEXT

ROOT = Path(__file__).parents[3]
READERS = [
    *("files/arrays.py", "files/motion.py", "files/png.py", "geometry/border.py"),
    *("files/video.py", "files/video_head.py", "files/video_frames.py"),
    *("motions/smpl.py", "motions/humanml3d.py", "motions/axes.py", "motions/conventions.py"),
    *(f"submissions/{path.name}" for path in (ROOT / "egobench" / "submissions").glob("*.py")),
]
NOT_FOR_SAMPLES = {
    *("array-dtype", "video-frames-written", "library-missing", "humanml3d-skeleton", "humanml3d-turn"),
    *("camera-shape", "video-dtype", "folder-not-empty", "file-missing", "json-value", "bad-input", "samples-form"),
    *("npz-missing", "npy-missing", "video-missing", "png-missing"),
}
"""Codes of writing, of models in memory, and of files that are looked for only where they are."""


def test_the_page_of_errors_is_made_from_the_table():
    assert (ROOT / "docs" / "submission-errors.md").read_text(encoding="utf-8") == error_page()


def test_every_code_has_a_cause_and_a_fix_and_stands_in_one_group():
    assert sum(len(group) for group in GROUPS.values()) == len(CODES)
    for name, code in CODES.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert len(code.cause) > 10
        assert len(code.fix) > 5


def test_every_code_that_a_reader_can_raise_is_in_the_table():
    found = set()
    for name in READERS:
        text = (ROOT / "egobench" / name).read_text(encoding="utf-8")
        found |= set(re.findall(r'code="([a-z0-9-]+)"', text)) | set(re.findall(r'finding\(\s*"([a-z0-9-]+)"', text))
    found |= {f"motion-{code}" for code in re.findall(r'_bad\(\s*"([a-z-]+)"', _border())}
    assert len(found) > 60
    assert found - set(CODES) - NOT_FOR_SAMPLES == set()


def test_nearly_every_error_has_a_broken_submission_that_shows_it():
    shown = {way.code for way in WAYS}
    errors = {name for name, code in CODES.items() if code.severity == "error"}
    elsewhere = {name for name in errors if name.startswith(("folder", "smpl", "body-model", "reader", "skeleton"))}
    rest = {"too-many-files", "file-unreadable", "humanml3d-nonfinite", "video-too-large", "motion-rate"}
    assert errors - shown - elsewhere - rest == set()


def test_the_page_of_the_format_names_every_key_and_file():
    text = (ROOT / "docs" / "submissions.md").read_text(encoding="utf-8")
    files = ("video.mp4", "000000.png", "motion.npz", "motion.npy")
    for name in (*KEYS, *files, "--allow-missing", "--body-model", "--skeleton-map"):
        assert f"{name}" in text, name
    for key in KEYS:
        assert re.search(rf"^{key} = ", TEXT + NOTES, re.MULTILINE), key


def _border() -> str:
    return (ROOT / "egobench" / "geometry" / "border.py").read_text(encoding="utf-8")
