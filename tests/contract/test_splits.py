"""Every listed split opens or says how to make it; what is shipped is whole and no two splits share a wearer."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from egobench import BadInputError, open_split
from egobench.catalog import SPLITS
from egobench.data.check_split import check_split
from egobench.data.content import files_digest, unchecked_clips, verify_split
from egobench.data.folder import FolderSplit, open_folder
from egomini.splits.frozen import SHIPPED, SPECS
from egomini.splits.generate import draw_clip

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


def test_the_shipped_files_are_those_that_the_package_knows_so_that_their_first_check_reads_no_clip(
    tmp_path, monkeypatch
):
    assert files_digest(SHIPPED / "egomini-test") == SPECS["egomini-test"].files_sha256, "put it into splits.py"
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(FolderSplit, "content_digest", lambda *_: pytest.fail("read"))
    for name in ("egomini-smoke", "egomini-test"):
        check_split(open_split(name))
        assert unchecked_clips(open_split(name)) == []


def test_shipped_files_that_are_others_by_now_are_read_and_named(tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "egomini-test"
    smoke = [row.clip_id for row in open_split("egomini-smoke").infos()]
    for clip in smoke:
        shutil.copytree(SHIPPED / "egomini-test" / clip, place / clip)
    shutil.copy(SHIPPED / "egomini-test" / "split.json", place)
    known = SPECS["egomini-test"].files_sha256
    check_split(open_folder(place, subset=smoke, known_files=known))
    shutil.copy(place / smoke[0] / "video.mp4", place / smoke[1] / "video.mp4")
    with pytest.raises(BadInputError, match=f"1 of 8 clips has another digest .{smoke[1]} has"):
        check_split(open_folder(place, subset=smoke, known_files=known))


def test_a_clip_that_is_made_on_demand_is_held_to_its_index(monkeypatch, tmp_path):
    monkeypatch.setenv("EGOBENCH_DATA", str(tmp_path))
    split = open_split("egomini-val")
    row = split.infos()[0]
    assert split.clip(row.clip_id).info == row
    other = replace(split, rows=(replace(row, text="another caption"), *split.infos()[1:]))
    with pytest.raises(BadInputError, match=f"^{row.clip_id}: content digest is {row.digest}") as error:
        other.clip(row.clip_id)
    assert error.value.code == "split-content"
