"""`egobench data make` under kill -9: no process is left behind, and what was made is not made again."""

import subprocess
import sys
import time

from family import all_end, children_of

from egomini.splits.make import DONE

MAKE = [sys.executable, "-m", "egobench", "data", "make", "egomini-val", "--workers", "2", "--out"]


def test_the_workers_of_a_killed_make_end_and_the_clips_it_made_stay(tmp_path):
    process = subprocess.Popen([*MAKE, str(tmp_path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(tmp_path.glob(f"*/{DONE}")):
        time.sleep(0.05)
    workers = children_of(process)
    assert len(workers) >= 2
    process.kill()
    process.communicate()
    assert all_end(workers)
    assert list(tmp_path.glob(f"*/{DONE}"))
