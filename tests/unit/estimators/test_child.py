"""A process for code that may die: answers, crashes, limits, and no orphans."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from egobench.estimators.child import Child, ChildCrashError, ChildError, ChildTimeoutError


@pytest.fixture
def child():
    made = []

    def make(target, seconds=20.0):
        made.append(Child(target, seconds))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_it_answers_again_and_again_from_one_process(child):
    getpid = child("os:getpid")
    assert getpid.call() == getpid.call() != os.getpid()


def test_large_arrays_go_both_ways(child):
    array = np.random.default_rng(0).random((300, 1000))
    np.testing.assert_array_equal(child("numpy:negative").call(array), -array)


def test_what_the_function_raises_is_a_line_and_the_process_lives(child):
    length = child("builtins:len")
    with pytest.raises(ChildError, match=r"TypeError: object of type 'int' has no len\(\)"):
        length.call(3)
    assert length.call("abc") == 3


def test_a_signal_is_told_and_the_next_call_starts_anew(child):
    kill = child("os:_exit")
    for _ in range(2):
        with pytest.raises(ChildCrashError, match="exit code 7"):
            kill.call(7)
    with pytest.raises(ChildCrashError, match=r"signal 6 \(SIGABRT\)"):
        child("bad_mappers:aborts").call()


def test_beyond_the_limit_the_process_is_gone(child):
    sleeper = child("time:sleep", 0.1)
    with pytest.raises(ChildTimeoutError):
        sleeper.call(60)
    assert sleeper.call(0.0) is None


def test_the_limit_is_one_of_processor_time(child):
    with pytest.raises(ChildTimeoutError):
        child("bad_mappers:computes", 0.2).call()
    assert child("time:sleep", 0.2).call(0.5) is None


def test_what_is_printed_is_no_answer(child):
    assert child("builtins:print").call("noise on the standard output") is None


def test_a_child_does_not_outlive_a_parent_that_was_killed():
    code = (
        "from egobench.estimators.child import Child\n"
        "child = Child('time:sleep', 60.0)\nprint(child._started().pid, flush=True)\nchild.call(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(pid)


def is_running(pid):
    """A zombie whose new parent has not looked yet is gone too."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
