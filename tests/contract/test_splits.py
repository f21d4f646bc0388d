"""Every listed split opens or says how to make it; what is shipped is whole and no two splits share a wearer."""

import pytest

from egobench import open_split
from egobench.catalog import SPLITS
from egobench.data.egomini.splits import SHIPPED, SPECS
from egobench.data.folder import verify_split


@pytest.mark.parametrize("name", SPLITS.names())
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
        if spec.subset_of:
            continue
        for row in open_split(name).infos():
            for key in (row.participant, row.sequence):
                assert seen.setdefault(key, name) == name, f"{key} is in {seen[key]} and in {name}"


def test_at_least_nine_in_ten_test_captions_are_distinct():
    texts = [row.text for row in open_split("egomini-test").infos()]
    assert len(set(texts)) >= 0.9 * len(texts)
