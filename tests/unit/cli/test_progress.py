"""Progress on stderr."""

import io

import pytest

from egobench.cli.progress import Bars, Lines, clock_text, progress
from egobench.cli.quiet import take_quiet


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def log():
    clock, stream = Clock(), io.StringIO()
    return Lines(stream, clock), clock, stream


def test_a_log_gets_a_line_every_ten_seconds_with_rate_and_time_left(log):
    lines, clock, stream = log
    lines.stage("generate", 100)
    for second in range(1, 21):
        clock.now = float(second)
        lines.advance()
    # ten items in ten seconds: 1.0/s, ninety are left: 1:30
    assert stream.getvalue().splitlines() == [
        "generate: 10/100, 1.0/s, 0:10, 1:30 left",
        "generate: 20/100, 1.0/s, 0:20, 1:20 left",
    ]


def test_failures_are_counted_whether_given_as_number_or_flag(log):
    lines, clock, stream = log
    lines.stage("generate", 4)
    lines.advance(2, failed=True)
    lines.advance(1, failed=1)
    lines.advance()
    clock.now = 2.0
    lines.done()
    assert stream.getvalue() == "generate: 4/4, 2.0/s, 0:02, done, 3 failed\n"


def test_a_new_stage_ends_the_old_one(log):
    lines, _, stream = log
    lines.stage("a", 1)
    lines.stage("b", 1)
    lines.done()
    lines.done()
    assert [line.partition(":")[0] for line in stream.getvalue().splitlines()] == ["a", "b"]


def test_bars_write_to_stderr_only(capsys):
    bars = Bars()
    bars.advance()
    bars.stage("generate", 2)
    bars.advance(1, failed=True)
    bars.stage("score", 1)
    bars.advance()
    bars.done()
    assert not capsys.readouterr().out


def test_no_bars_where_stderr_is_no_terminal():
    take_quiet([])  # whatever the last command in this process said
    assert isinstance(progress(), Lines)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3725, "1:02:05"), (-1, "0:00")])
def test_times_are_read_like_a_clock(seconds, text):
    assert clock_text(seconds) == text
