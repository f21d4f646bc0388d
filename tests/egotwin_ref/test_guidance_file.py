"""The file of a choice: it comes back as it was written, and one that asks something else is not gone on with."""

import json

import pytest

pytest.importorskip("torch")

from egotwin_ref.model.sampling import Guidance
from egotwin_ref.table.guidance_choice import Scale, Tried
from egotwin_ref.table.guidance_file import content_of, read_tried

ASKED = {"variant": "egotwin", "clips": 2, "text_grid": (1.0, 2.5)}
SCALE = Scale.of({"mm-dist": [5.0, 7.0]}, {"mm-dist": [14.0, 14.0]})
PLAIN = Tried.of(Guidance(1.0, 1.0), {"mm-dist": [8.0, 12.0]}, SCALE)
STRONG = Tried.of(Guidance(2.5, 1.0), {"mm-dist": [7.0, 9.0]}, SCALE)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "choice.json"
    path.write_text(json.dumps(content_of(ASKED, SCALE, [PLAIN, STRONG], is_done=True)))
    return path


def test_it_names_both_ends_every_pair_and_the_choice(file):
    content = json.loads(file.read_text())
    assert content["floor"]["mm-dist"] == {"value": 6.0, "standard_error": 1.0, "unit": "feature", "unscored": 0}
    assert content["chance"]["mm-dist"]["value"] == 14.0
    # (10 - 6) / 8 and (8 - 6) / 8
    assert [(pair["text"], pair["way"]) for pair in content["tried"]] == [(1.0, 0.5), (2.5, 0.25)]
    assert content["chosen"] == {"text": 2.5, "partner": 1.0}


def test_nothing_is_chosen_before_the_whole_grid_is_walked():
    assert content_of(ASKED, SCALE, [PLAIN], is_done=False)["chosen"] is None


def test_pairs_come_back_as_they_were(file):
    assert read_tried(file, ASKED) == {PLAIN.guidance: PLAIN, STRONG.guidance: STRONG}


def test_a_file_that_asks_something_else_gives_nothing(file, tmp_path):
    assert read_tried(file, {**ASKED, "clips": 64}) == {}
    assert read_tried(tmp_path / "absent.json", ASKED) == {}
    assert read_tried(None, ASKED) == {}
