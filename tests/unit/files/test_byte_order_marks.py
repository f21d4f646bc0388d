"""Editors of Windows put a byte-order mark before a text; it is no part of it."""

import codecs

import numpy as np
import pytest

from egobench.boards.board import read_toml
from egobench.compare.policy import read_policy
from egobench.estimators.path_file import read_tum
from egobench.files.atomic import read_json
from egobench.submissions.description import read_description

POLICY = 'schema = 1\n[metrics.r-precision]\nseverity = "gate"\n'


@pytest.fixture
def written(tmp_path):
    def write(name: str, text: str):
        path = tmp_path / name
        path.write_bytes(codecs.BOM_UTF8 + text.encode())
        return path

    return write


def test_a_trajectory_is_read(written):
    times, poses = read_tum(written("a.txt", "0 0 0 0 0 0 0 1\n1 1 0 0 0 0 0 1\n"))
    assert times.tolist() == [0, 1]
    np.testing.assert_array_equal(poses[1, :3, 3], [1, 0, 0])


def test_a_policy_and_a_board_are_read(written):
    assert set(read_policy(written("policy.toml", POLICY)).metrics) == {"r-precision"}
    assert read_toml(written("board.toml", "title = 'ä'\n")) == {"title": "ä"}


def test_a_description_is_found_to_lack_what_it_lacks_and_not_to_be_no_toml(written):
    _, findings = read_description(written("submission.toml", "model = 'mine'\n"))
    assert "toml-unreadable" not in {found.code for found in findings}


def test_json_is_read(written):
    assert read_json(written("split.json", '{"name": "ä"}')) == {"name": "ä"}
