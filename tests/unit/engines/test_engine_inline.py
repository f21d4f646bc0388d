"""The engine for a debugger: the same bytes, in this process, and Ctrl-C is never a model's failure."""

import contextlib
import os
import signal
from dataclasses import dataclass, replace

import pytest

from egobench.engines.inline import InlineEngine
from egobench.engines.local import Outcome
from egobench.errors import BadInputError
from egobench.progress import Quiet
from egobench.run.run import resume_run, start_run


@dataclass
class Counted:
    """Counts items up to one that misbehaves."""

    error_code: str = "item-raised"
    breaks: object = None
    loads: bool = True

    def prepare(self):
        if not self.loads:
            raise RuntimeError("no weights")

        def task(item):
            if item == 3 and self.breaks:
                self.breaks()
            return os.getpid(), item

        return task


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def swallow_ctrl_c():
    with contextlib.suppress(KeyboardInterrupt):
        press_ctrl_c()


def raise_it():
    raise KeyboardInterrupt("my own")


def test_items_run_in_order_in_this_process():
    found = list(InlineEngine().run(Counted(), [1, 2, 3]))
    assert [outcome.answer.value for outcome in found] == [(os.getpid(), item) for item in (1, 2, 3)]
    assert all(isinstance(outcome, Outcome) for outcome in found)


@pytest.mark.parametrize("press", [press_ctrl_c, swallow_ctrl_c])
def test_ctrl_c_ends_the_run_and_is_no_failure_of_the_item(press):
    before, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt):
        done.extend(outcome.item for outcome in InlineEngine().run(Counted(breaks=press), [1, 2, 3, 4]))
    assert done == [1, 2]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_keyboard_interrupt_of_the_models_own_fails_its_item_alone():
    found = list(InlineEngine().run(Counted(breaks=raise_it), [1, 3, 4]))
    assert [outcome.answer.code for outcome in found] == ["", "item-raised", ""]


def test_a_job_that_cannot_be_prepared_is_refused_with_its_traceback():
    with pytest.raises(BadInputError, match="RuntimeError: no weights") as refusal:
        list(InlineEngine().run(Counted(loads=False), [1]))
    assert refusal.value.code == "load-failed"
    assert "raise RuntimeError" in refusal.value.__notes__[0]


class Stop(Quiet):
    """Ctrl-C once four samples are there."""

    left, samples = 4, False

    def stage(self, name, total):
        self.samples = name == "generate"

    def advance(self, n=1, failed=0):
        self.left -= n * self.samples
        if self.left < 0:
            raise KeyboardInterrupt


def test_a_run_that_was_interrupted_goes_on_to_the_same_bytes(ask, tmp_path):
    whole = start_run(ask(engine="inline"))
    with pytest.raises(KeyboardInterrupt):
        start_run(ask(engine="inline", out=str(tmp_path / "stopped")), Stop())
    (path,) = (tmp_path / "stopped").iterdir()
    resumed = resume_run(path)
    assert (resumed.path / "metrics.json").read_bytes() == (whole.path / "metrics.json").read_bytes()


def test_a_run_has_the_same_bytes_as_one_in_processes(ask):
    inline, local = start_run(ask(engine="inline")), start_run(ask(engine="local"))
    for name in ("metrics.json", "scores.parquet"):
        assert (inline.path / name).read_bytes() == (local.path / name).read_bytes()


def test_what_needs_processes_is_refused(ask):
    for changes, says in (({"workers": 2}, "'local' in as many"), ({"clip_timeout": 1.0}, "'local' has")):
        with pytest.raises(BadInputError, match=says):
            start_run(replace(ask(engine="inline"), **changes))
