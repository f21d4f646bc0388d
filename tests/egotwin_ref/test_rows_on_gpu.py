"""The script for a GPU that is there for ten minutes, whole, at toy size on a processor."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("torch")

from egotwin_ref.loading import weights
from egotwin_ref.loading.bundle import Bundle
from egotwin_ref.table import plan

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu" / "rows.py"
ROWS = ("egotwin", "cameractrl")


def call(work: Path, out: Path, *more: str) -> str:
    """What a call prints."""
    asked = ["--toy", "--look", "--device", "cpu", "--workers", "1", "--rows", *ROWS]
    folders = ["--work", str(work), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *asked, *folders, *more],
        capture_output=True, text=True, timeout=600, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path, str]:
    """Folder of work, folder of what is taken home, what was printed."""
    folder = tmp_path_factory.mktemp("gpu")
    return folder / "work", folder / "out", call(folder / "work", folder / "out", "--minutes", "9")


def test_every_row_is_taken_home_in_a_file_of_its_own_with_weights_that_load(folders, tmp_path):
    _, out, _ = folders
    assert {file.name for file in out.iterdir()} == {
        "vaes.zip", "stage0.zip", "egotwin.zip", "cameractrl.zip", "egotwin-samples.zip", "cameractrl-samples.zip",
        "table.md",
    }  # fmt: skip
    for name in ("vaes", *ROWS, *(f"{row}-samples" for row in ROWS)):
        with zipfile.ZipFile(out / f"{name}.zip") as archive:
            archive.extractall(tmp_path)
    for part in ("video-vae", "motion-vae-head-conv", "motion-vae-path-path"):
        (tmp_path / part / "weights.safetensors").rename(tmp_path / f"{part}.safetensors")
    for row in ROWS:
        bundle = Bundle.load("small", row, tmp_path)
        assert bundle.variant.makes == (("video",) if row == "cameractrl" else ("video", "motion"))
        card = json.loads((tmp_path / f"{row}.card.json").read_text())
        assert (card["recipe"]["steps"], card["clips"]) == (2, 16)
        assert weights.about(tmp_path / f"{row}.safetensors")["variant"] == row
        assert (tmp_path / f"{row}.samples.safetensors").is_file()


def test_the_table_comes_last_and_has_a_line_a_row(folders):
    _, out, printed = folders
    table = (out / "table.md").read_text()
    assert [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][1:] == [
        "recorded", *ROWS
    ]  # fmt: skip
    assert table.strip() in printed
    assert "2 of 2 rows" in printed.splitlines()[-1]


def test_another_call_does_nothing_again_and_takes_nothing_home_twice(folders, tmp_path):
    work, _, _ = folders
    before = {path: path.stat().st_mtime_ns for path in work.rglob("weights.safetensors")}
    printed = call(work, tmp_path / "again")
    assert {path: path.stat().st_mtime_ns for path in work.rglob("weights.safetensors")} == before
    assert [file.name for file in (tmp_path / "again").iterdir()] == ["table.md"]
    assert "2 of 2 rows" in printed


MISSING = (
    "av",
    "open_clip",
    "tyro",
    "matplotlib",
    "jinja2",
    "rich",
    "platformdirs",
    "torchvision",
    "pyarrow",
)


def test_the_trainings_need_few_packages():
    """A lent machine has torch, numba, scipy and safetensors; what else egobench wants may be missing there."""
    block = (
        f"import sys; sys.path[:0] = [{str(SCRIPT.parent)!r}, {str(SCRIPT.parents[2])!r}]\n"
        f"sys.modules.update(dict.fromkeys({MISSING!r}))\n"
        "import world, training\n"
        "from egomini.evaluators.odometry import EgominiOdometry; EgominiOdometry().load('cpu')"
    )
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_its_rows_are_those_of_make_rows_in_the_same_order():
    """It names them itself, since its drawing processes read that file and have no need of torch."""
    probe = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import rows; print(*rows.ROWS)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [row.name for row in plan.ROWS]


def test_taking_home_takes_each_archive_once_in_order_and_no_more_than_there_is_room_for(tmp_path):
    made, names = tmp_path / "made", ["c", "a", "b"]
    made.mkdir()
    for place, name in enumerate(names):
        (made / f"{name}.zip").write_bytes(bytes(600_000))
        os.utime(made / f"{name}.zip", (place, place))
    (made / "log.txt").write_text("[ 1.0 s] 3 of 3 rows\n")
    script = [sys.executable, str(SCRIPT.with_name("take.py")), str(made)]
    found = []
    for call_number in ("first", "second"):
        out = tmp_path / call_number
        done = subprocess.run([*script, str(out), "--megabytes", "1.2"], capture_output=True, text=True, timeout=60)
        assert "3 of 3 rows" in done.stdout
        found.append(sorted(path.stem for path in out.glob("*.zip")))
    assert found == [["a", "c"], ["b"]]
