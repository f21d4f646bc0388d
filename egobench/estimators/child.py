"""A child process for native code that may abort or never end. It runs one function many times and restarts if it dies.

The parent talks to the child through pipes. The child never outlives its parent: it ends when its input closes or when
its parent process changes. If native code holds even Python's lock, the child's own timer ends it. The limit is on
processor time, so other work on the machine cannot change a result.
"""

import importlib
import os
import pickle
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from typing import IO, Any

HEAD = struct.Struct(">?Q")
"""Header of an answer: whether it is a value (else the line of an error), and how many bytes follow."""
CLOCK = 10.0
"""Limit of clock time, as a multiple of the limit of processor time. It is high, so a clip does not fail on a busy
machine."""
GRACE = 10.0
"""Seconds after the limit of clock time. If the parent has not killed the child by then, the child ends itself."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
MAX_REASON = 200


class ChildCrashError(Exception):
    """The child died during a call. The text names the signal and gives the child's error line."""


class ChildTimeoutError(Exception):
    """The call took longer than allowed, and the child was killed."""


class ChildError(Exception):
    """The function raised. The text is the type and message in one line. The child stays alive."""


class Child:
    """Calls `target` (`"module:function"`) in its own process. The first call starts the process."""

    def __init__(self, target: str, seconds: float) -> None:
        self._target = target
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._words: IO[bytes] | None = None

    def call(self, *arguments: Any) -> Any:
        """Returns the function's value for these arguments (both picklable).

        Raises:
            ChildCrashError: the process died; the next call starts a new one.
            ChildTimeoutError: no answer came within `seconds` of processor time, or ten times as many seconds of
                clock time; the start of a process does not count.
            ChildError: the function raised.
        """
        process = self._started()
        try:
            _write(process.stdin, pickle.dumps((self._seconds, arguments), protocol=pickle.HIGHEST_PROTOCOL))
            is_value, answer = self._answer(process)
        except (EOFError, BrokenPipeError):
            if process.wait() in (-signal.SIGPROF, -signal.SIGALRM):
                raise ChildTimeoutError from None
            raise ChildCrashError(self._last_word(process)) from None
        except BaseException:
            self.close()
            raise
        if not is_value:
            raise ChildError(answer.decode("utf-8", "replace"))
        return pickle.loads(answer)  # from our own child

    def close(self) -> None:
        """Ends the process, if there is one."""
        if self._process is not None:
            _end(self._process)
            self._process = None

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._words = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the object)
            paths = os.pathsep.join(path for path in sys.path if path)
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from egobench.estimators.child import serve; serve()", self._target],
                env={**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": paths},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                bufsize=0,
            )
            weakref.finalize(self, _end, self._process)
            _read(self._process.stdout, HEAD.size, None)  # the child is ready
        return self._process

    def _answer(self, process: "subprocess.Popen[bytes]") -> tuple[bool, bytes]:
        deadline = time.monotonic() + CLOCK * self._seconds
        is_value, size = HEAD.unpack(_read(process.stdout, HEAD.size, deadline))
        return is_value, _read(process.stdout, size, deadline + GRACE)

    def _last_word(self, process: "subprocess.Popen[bytes]") -> str:
        code = process.wait()
        how = f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit code {code}"
        assert self._words is not None
        self._words.seek(0)
        lines = [line.strip() for line in self._words.read().decode("utf-8", "replace").splitlines() if line.strip()]
        reason = next((line for line in lines if "Check failed" in line or "Error" in line), "")
        return f"{how}{reason and ': '}{reason}"[:MAX_REASON]


def serve() -> None:
    """The main loop of the child."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # output that native code prints must not mix with the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    module, _, name = sys.argv[1].partition(":")
    function = getattr(importlib.import_module(module), name)
    answers.write(HEAD.pack(True, 0))
    while True:
        try:
            (size,) = struct.unpack(">Q", _read(sys.stdin.buffer.raw, 8, None))  # pyright: ignore
            seconds, arguments = pickle.loads(_read(sys.stdin.buffer.raw, size, None))  # pyright: ignore
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, CLOCK * seconds + GRACE)
        try:
            is_value, answer = True, pickle.dumps(function(*arguments), protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            is_value, answer = False, " ".join(f"{type(error).__name__}: {error}".split())[:MAX_REASON].encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(HEAD.pack(is_value, len(answer)))
        _write_all(answers, answer)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _write(pipe: Any, data: bytes) -> None:
    _write_all(pipe, struct.pack(">Q", len(data)))
    _write_all(pipe, data)


def _write_all(pipe: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[pipe.write(view) :]


def _read(pipe: Any, size: int, deadline: float | None) -> bytes:
    """Reads `size` bytes. Raises EOFError at the end of the pipe, ChildTimeoutError after the deadline."""
    parts: list[bytes] = []
    while size:
        if deadline is not None:
            ready, _, _ = select.select([pipe], [], [], max(deadline - time.monotonic(), 0.0))
            if not ready:
                raise ChildTimeoutError
        part = pipe.read(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
