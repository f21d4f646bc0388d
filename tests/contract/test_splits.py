"""Every listed split opens or says how to make it; what is shipped is whole and no two splits share a wearer."""

import numpy as np
import pytest

from egobench import BadInputError, open_split
from egobench.catalog import SPLITS
from egobench.data.egomini.generate import draw_clip
from egobench.data.egomini.splits import SHIPPED, SPECS
from egobench.data.folder import verify_split

ON_DEMAND = {name for name, spec in SPECS.items() if spec.on_demand}


@pytest.mark.parametrize("name", sorted({*SPLITS.names()} - ON_DEMAND))
def test_a_listed_split_opens_and_its_first_clip_matches_its_row(name):
    split = open_split(name)
    rows = split.infos()
    spec = SPECS[name]
    assert len(rows) == spec.sequences * spec.clips_per_sequence
    assert len({row.clip_id for row in rows}) == len(rows)
    assert [row.clip_id for row in rows] == sorted(row.clip_id for row in rows)
    assert len(split.digest) == 64
    assert split.facts["fps_video"] == 8.0
    clip = split.clip(rows[0].clip_id)
    assert clip.info == rows[0], "made again, a clip has the digest that was recorded"
    assert clip.reference.video.frames.shape == (41, spec.resolution, spec.resolution, 3)
    assert clip.reference.motion.positions.shape == (81, 23, 3)


@pytest.mark.parametrize("name", sorted(ON_DEMAND))
def test_a_split_of_which_nothing_is_shipped_says_how_to_make_it(name, monkeypatch, tmp_path):
    monkeypatch.setenv("EGOBENCH_DATA", str(tmp_path))
    with pytest.raises(BadInputError, match=f"`egobench data make {name}` makes its 32,000 clips"):
        open_split(name)


def test_the_longer_training_split_begins_with_the_clips_of_the_shorter_one():
    short, long = SPECS["egomini-train"], SPECS["egomini-train-32k"]
    assert long.sequences == 4 * short.sequences
    for sequence, window in ((0, 0), (1999, 3)):
        one, other = (draw_clip(spec, sequence, window) for spec in (short, long))
        np.testing.assert_array_equal(one.rendered.frames, other.rendered.frames)
        np.testing.assert_array_equal(one.root, other.root)
        np.testing.assert_array_equal(one.quats, other.quats)
        assert one.performance.text == other.performance.text
        assert one.wearer.name == other.wearer.name
        assert short.clip_id(sequence, window) != long.clip_id(sequence, window)


def test_the_shipped_split_is_whole_and_small():
    assert verify_split(SHIPPED / "egomini-test") == []
    size = sum(path.stat().st_size for path in (SHIPPED / "egomini-test").rglob("*") if path.is_file())
    assert size <= 15 * 2**20


def test_smoke_is_eight_clips_of_eight_sequences_of_the_test_split():
    smoke, whole = open_split("egomini-smoke").infos(), open_split("egomini-test").infos()
    assert len(smoke) == len({row.sequence for row in smoke}) == 8
    assert set(smoke) <= set(whole)


def test_no_two_splits_share_a_wearer_or_a_sequence():
    seen: dict[str, str] = {}
    for name, spec in SPECS.items():
        if spec.subset_of or spec.on_demand:
            continue
        for row in open_split(name).infos():
            for key in (row.participant, row.sequence):
                assert seen.setdefault(key, name) == name, f"{key} is in {seen[key]} and in {name}"


def test_at_least_nine_in_ten_test_captions_are_distinct():
    texts = [row.text for row in open_split("egomini-test").infos()]
    assert len(set(texts)) >= 0.9 * len(texts)
