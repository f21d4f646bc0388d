"""A tiny split, a valid submission of it, and the toys of the pipeline's and the motions' tests."""

import shutil
from pathlib import Path

import pytest
from motion_bodies import dancing
from pipeline_toys import make_split

from egobench.data.open import open_split
from egobench.files.arrays import write_npz
from egobench.geometry.skeleton import XSENS23
from egobench.submissions.example import motion_arrays, write_example
from egobench.submissions.form import form_of


@pytest.fixture(scope="session")
def toy_split(tmp_path_factory):
    """Four clips of two recordings: 9 frames of 32 × 16 pixels, 17 poses."""
    return make_split(tmp_path_factory.mktemp("submitted") / "split", sequences=2)


@pytest.fixture(scope="session")
def valid(toy_split, tmp_path_factory):
    """The example; never to be changed."""
    split = open_split(toy_split)
    folder = write_example(tmp_path_factory.mktemp("valid") / "samples", split)
    form = form_of(split.facts)  # the toys are stiff; one body that moves in every joint shows more
    body = dancing(XSENS23, frames=form.num_motion_frames, fps=form.fps_motion, turns=0.4)
    write_npz(folder / "toy-01" / "motion.npz", **motion_arrays(body, form))
    return folder


@pytest.fixture
def submission(valid, tmp_path):
    """A copy of the example, to be broken."""
    return Path(shutil.copytree(valid, tmp_path / "samples"))
