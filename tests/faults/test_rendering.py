"""Arrays being drawn, under kill -9: no process is left behind, and what was drawn is not drawn again."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from family import all_end, children_of

from egomini.splits.array_folder import count_ready, map_arrays, open_arrays
from egomini.splits.arrays import draw_arrays
from egomini.splits.frozen import EGOMINI_VAL
from egomini.splits.rendering import make_arrays

SEQUENCES = range(12)
SCRIPT = """
import sys
from pathlib import Path
from egomini.splits.rendering import make_arrays
from egomini.splits.frozen import EGOMINI_VAL

if __name__ == "__main__":
    make_arrays(EGOMINI_VAL, Path(sys.argv[1]), sequences=range(12), workers=2)
"""


def test_a_killed_rendering_leaves_no_worker_and_goes_on_to_the_same_arrays(tmp_path):
    folder, script = tmp_path / "a", tmp_path / "render.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, str(script), str(folder)], env=environment)
    while process.poll() is None and not (folder.is_dir() and count_ready(folder)):
        time.sleep(0.01)
    workers = children_of(process)
    assert len(workers) >= 2
    process.kill()
    process.communicate()
    assert all_end(workers)
    drawn = open_arrays(folder)
    assert 0 < len(drawn) < 48, "killed between the first recording and the last"
    arrays = map_arrays(folder, "r+")
    arrays["hand_share"][0] = 7.0  # a mark on what was drawn before
    made, wanted = make_arrays(EGOMINI_VAL, folder, sequences=SEQUENCES), draw_arrays(EGOMINI_VAL, SEQUENCES)
    assert (made.hand_share[0] == 7.0).all()
    assert (made.ids, made.texts) == (wanted.ids, wanted.texts)
    np.testing.assert_array_equal(made.frames, wanted.frames)
    np.testing.assert_array_equal(made.rotations, wanted.rotations)
