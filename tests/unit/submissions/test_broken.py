"""Every known way to break a submission is found: by its code, for its clip, with what would be right."""

from pathlib import Path

import pytest
from broken import CLIP, WAYS

from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.files.arrays import npz_names
from egobench.run.check_sample import check_sample
from egobench.run.generate import second_frame
from egobench.submissions import read_motion
from egobench.submissions.check import check_submission
from egobench.submissions.codes import CODES
from egobench.submissions.description import NAME, read_description
from egobench.submissions.model import Submission

FINE = "toy-03"
"""A clip that no way breaks, unless it breaks the whole submission."""


def check(folder, split, **options):
    return check_submission(folder, open_split(split), str(split), open_split, in_processes=False, **options)


def test_there_are_sixty_ways_and_more_and_each_has_a_name_of_its_own():
    assert len({broken.name for broken in WAYS}) == len(WAYS) >= 60


@pytest.mark.parametrize("broken", WAYS, ids=lambda broken: broken.name)
def test_it_is_found_and_gives_no_number(broken, submission, toy_split, monkeypatch):
    monkeypatch.chdir(submission.parent)
    try:
        broken.do(submission)
    except PermissionError:
        pytest.skip("needs rights that this user does not have")
    report = check(submission, toy_split)
    hits = [each for each in report.errors if each.code == broken.code]
    assert hits, report.lines()
    assert broken.clip in {each.clip for each in hits}
    for each in report.findings:
        assert each.found
        assert each.fix
        assert each.line().isprintable()
        assert str(submission) not in each.line()
        assert each.code != "reader-failed"
    assert not Path("unpickled").exists()
    _gives_no_number(submission, toy_split, {each.clip for each in hits})


def _gives_no_number(folder, split, clips):
    """What scoring would read: the broken clips are refused, and another one is read where the whole is not broken."""
    if clips == {""} and read_description(folder / NAME)[0] is None:
        with pytest.raises(BadInputError, match=NAME):
            Submission(folder).load("cpu")
        return
    loaded = Submission(folder).load("cpu")
    opened = open_split(split)
    for clip in {each for each in clips if each in {info.clip_id for info in opened.infos()}}:
        if clip == CLIP:
            with pytest.raises(BadInputError) as caught:
                _as_scored(loaded, opened.clip(clip), seed=len(loaded.description.seeds) - 1)
            assert caught.value.code in CODES
    if "toy-00" not in clips:
        assert _as_scored(loaded, opened.clip(FINE), seed=0).motion is not None


def _as_scored(loaded, clip, seed):
    return check_sample(loaded.sample(clip.condition, seed=seed), clip.condition, second_frame(clip))[0]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionError(13, "Permission denied"), "file-unreadable"),
        (TimeoutError("not read after 120 s"), "reader-slow"),
        (MemoryError(), "file-too-large"),
        (KeyError("what no reader foresaw"), "reader-failed"),
        (BadInputError("of a library", code="no-such-code"), "reader-failed"),
    ],
)
def test_what_no_file_can_be_made_to_cause_here_is_found_as_well(submission, toy_split, monkeypatch, error, code):
    def read(path, **_):
        if path == submission / CLIP / "motion.npz":
            raise error
        return npz_names(path)

    monkeypatch.setattr(read_motion, "npz_names", read)
    found = check(submission, toy_split).errors
    assert [(each.code, each.clip) for each in found] == [(code, CLIP)]
    assert str(submission) not in found[0].line()
