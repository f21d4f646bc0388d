"""A split is held to what its index says: every edit of a file or a row is named, an untouched clip is read once."""

import json
import os
import shutil

import numpy as np
import pytest
from toy_splits import FACTS, make_split, picture

from egobench.data.content import check_clips, unchecked_clips, verify_split, write_digests
from egobench.data.folder import FolderSplit, open_folder
from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.files import stamps
from egobench.files.arrays import write_npz
from egobench.files.atomic import read_json, write_json
from egobench.files.video import write_video

VIDEO = "toy-02/video.mp4"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(stamps, "SETTLED_NS", -(10**10))  # files of a test are young
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    return make_split(tmp_path / "split")


def check(folder):
    """Reads what was not seen; returns how many clips that were."""
    split = open_folder(folder)
    rows = unchecked_clips(split)
    check_clips(split, rows)
    return len(rows)


def row_edit(**changes):
    def edit(folder):
        index = read_json(folder / "split.json")
        index["clips"][2] |= changes
        write_json(folder / "split.json", index)

    return edit


def other_video(folder):
    write_video(folder / VIDEO, picture(np.random.default_rng(99)).frames, FACTS.fps_video)


EDITS = {
    "a video": other_video,
    "a motion": lambda folder: shutil.copy(folder / "toy-05/motion.npz", folder / "toy-02/motion.npz"),
    "truth that was not there": lambda folder: write_npz(folder / "toy-02/truth.npz", hand_pixels=np.zeros((9, 2))),
    "a caption": row_edit(text="run 2"),
    "a recording": row_edit(sequence="s9"),
    "a wearer": row_edit(participant="p9"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_content_that_is_not_the_digests_is_named_also_after_it_was_seen_whole(folder, edit):
    assert check(folder) == 8
    EDITS[edit](folder)
    for _ in range(2):
        with pytest.raises(
            BadInputError, match=r"1 of 8 clips has another digest \(toy-02 has [0-9a-f]{16}, "
        ) as error:
            check(folder)
        assert error.value.code == "split-content"
    with pytest.raises(BadInputError, match=r"^toy-02: content digest is"):
        open_folder(folder).clip("toy-02")
    assert [line[:6] for line in verify_split(folder)] == ["toy-02"]
    assert open_folder(folder).clip("toy-03").info.clip_id == "toy-03"


def test_clips_that_were_seen_are_not_read_again_until_they_are_touched(folder, monkeypatch):
    assert check(folder) == 8
    monkeypatch.setattr(FolderSplit, "content_digest", lambda *_: pytest.fail("read again"))
    assert check(folder) == 0
    os.utime(folder / VIDEO, (1, 1))
    assert [row.clip_id for row in unchecked_clips(open_folder(folder))] == ["toy-02"]


def test_an_edit_of_the_same_size_with_its_old_time_put_back_is_seen(folder):
    check(folder)
    before = (folder / VIDEO).stat()
    data = bytearray((folder / VIDEO).read_bytes())
    (folder / VIDEO).write_bytes(bytes(data[:-1]) + bytes([data[-1] ^ 1]))
    os.utime(folder / VIDEO, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (folder / VIDEO).stat().st_mtime_ns == before.st_mtime_ns
    assert [row.clip_id for row in unchecked_clips(open_folder(folder))] == ["toy-02"]


def test_a_copy_of_a_seen_split_is_read_for_itself(folder, tmp_path):
    check(folder)
    shutil.copytree(folder, tmp_path / "copy")
    assert check(tmp_path / "copy") == 8
    assert check(tmp_path / "copy") == check(folder) == 0


def test_files_touched_just_now_are_read_again_since_a_clock_may_be_coarse(folder, monkeypatch):
    monkeypatch.setattr(stamps, "SETTLED_NS", 3600 * 10**9)
    assert check(folder) == check(folder) == 8


def test_stamps_that_are_damaged_or_cannot_be_kept_cost_a_reading_and_nothing_else(folder, own_cache, monkeypatch):
    check(folder)
    stamps.stamps_file(folder).write_text('{"schema": 1, "seen": 3}')
    assert check(folder) == 8
    kept = stamps.stamps_file(folder)
    kept.write_text(kept.read_text().replace("toy-03", "toy-33"))
    assert check(folder) == 8
    assert "toy-33" not in kept.read_text()
    stamps.stamps_file(folder).write_bytes(b"\xff\x00")
    assert check(folder) == 8
    (own_cache / "file").write_text("")
    monkeypatch.setenv("EGOBENCH_CACHE", str(own_cache / "file"))
    assert check(folder) == check(folder) == 8


def test_a_clip_that_cannot_be_read_is_left_to_whoever_opens_it_and_never_counts_as_seen(folder):
    (folder / VIDEO).write_bytes(b"")
    assert check(folder) == 8
    assert check(folder) == 1
    with pytest.raises(BadInputError) as error:
        open_folder(folder).clip("toy-02")
    assert error.value.code == "video-empty"


def test_placeholder_digests_are_refused_and_can_be_written_from_the_content(folder):
    honest = read_json(folder / "split.json")
    hollow = {**honest, "clips": [{**row, "digest": "0" * 16} for row in honest["clips"]], "mine": {"kept": True}}
    write_json(folder / "split.json", {key: value for key, value in hollow.items() if key != "digest"})
    with pytest.raises(BadInputError, match=r"content of 8 of 8 clips has another digest.*egobench data index"):
        check(folder)
    changed = write_digests(folder)
    assert changed == {row["clip_id"]: ("0" * 16, row["digest"]) for row in honest["clips"]}
    assert read_json(folder / "split.json") == {**honest, "mine": {"kept": True}}
    before = (folder / "split.json").stat().st_mtime_ns
    assert write_digests(folder) == {}
    assert (folder / "split.json").stat().st_mtime_ns == before


def test_digests_are_not_written_where_a_clip_cannot_be_read(folder):
    before = (folder / "split.json").read_bytes()
    other_video(folder)
    (folder / "toy-07" / "motion.npz").unlink()
    with pytest.raises(BadInputError):
        write_digests(folder)
    assert (folder / "split.json").read_bytes() == before


def test_an_index_whose_own_digest_is_not_its_rows_is_refused_when_it_is_opened(folder):
    index = read_json(folder / "split.json")
    (folder / "split.json").write_text(json.dumps({**index, "digest": "0" * 64}))
    with pytest.raises(BadInputError, match=f"its clips come to {index['digest']}.*egobench data index") as error:
        open_folder(folder)
    assert error.value.code == "split-digest"
    write_digests(folder)
    assert open_folder(folder).digest == index["digest"]


def renamed(folder, ids):
    index = read_json(folder / "split.json")
    for row, clip_id in zip(index["clips"], ids, strict=False):
        (folder / row["clip_id"]).rename(folder / clip_id)
        row["clip_id"] = clip_id
    write_json(folder / "split.json", {key: value for key, value in index.items() if key != "digest"})


def test_every_clip_id_that_cannot_name_a_folder_is_named_when_the_split_is_opened(folder):
    renamed(folder, ["clip one", "a,b", "клип", "+plus", "a" * 129])
    for opening in (open_folder, verify_split, write_digests, open_split):
        with pytest.raises(BadInputError) as error:
            opening(folder)
        assert error.value.code == "clip-id"
        text = str(error.value)
        assert (
            f"'+plus', 'a,b', {'a' * 129!r}, 'clip one' and 1 more cannot name a folder, which a clip id does" in text
        )
        assert "letters a to z, digits and . _ + - are right" in text


def test_ids_with_dots_dashes_and_digits_are_good_for_all(folder):
    renamed(folder, ["2024-01-02.take_3", "A+b", "x" * 128])
    assert open_folder(folder).infos()[0].clip_id == "2024-01-02.take_3"
    write_digests(folder)
    assert check(folder) == 8


def test_an_id_that_stands_there_twice_is_named(folder):
    index = read_json(folder / "split.json")
    rows = [*index["clips"], index["clips"][3]]
    write_json(folder / "split.json", {**index, "clips": rows})
    with pytest.raises(BadInputError, match="'toy-03' stand there twice") as error:
        open_folder(folder)
    assert error.value.code == "clip-id"
