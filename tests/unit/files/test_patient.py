"""A reader that goes away takes no writer along."""

import io
import os
import subprocess
import sys

from egobench.files.patient import patient


def test_what_nobody_reads_any_more_goes_nowhere():
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        calm = patient(stream)
        print("heard", file=calm, flush=True)
        assert os.read(reader, 100) == b"heard\n"
        os.close(reader)
        for _ in range(3):
            print("lost" * 10_000, file=calm, flush=True)
        os.write(writer, b"a library below Python")  # the descriptor leads nowhere, so this is no error either


def test_encoding_and_stand_ins_stay_as_they_were():
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="ascii", errors="backslashreplace") as stream:
        calm = patient(stream)
        assert (calm.encoding, calm.errors) == ("ascii", "backslashreplace")
        print("ü", file=calm)
        assert os.read(reader, 100) == b"\\xfc\n"
    os.close(reader)


def test_a_stream_without_a_descriptor_is_left_alone():
    stream = io.StringIO()
    assert patient(stream) is stream


def test_a_process_that_prints_to_a_closed_pipe_goes_on_to_its_end(tmp_path):
    lines = (
        "from egobench.files.patient import use_patient_streams; import sys, pathlib; use_patient_streams()",
        "sys.stdin.read()",
        "[print('model says', k, file=file, flush=True) for k in range(9) for file in (sys.stdout, sys.stderr)]",
        f"pathlib.Path({str(tmp_path / 'end')!r}).touch()",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.close()
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    assert (tmp_path / "end").exists()
