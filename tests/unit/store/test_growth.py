"""What a run writes item by item must not cost more with every item."""

from pathlib import Path

import numpy as np
import pytest

from egobench.data import folder
from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.files import atomic
from egobench.plan.plan import plan
from egobench.plan.request import RunRequest
from egobench.store import cache as cache_module
from egobench.store import journal as journal_module
from egobench.store.cache import Cache
from egobench.store.journal import Journal, iter_events, read_events


def test_a_folder_of_the_cache_is_listed_once_however_many_entries_it_gets(tmp_path, monkeypatch):
    listed: list[Path] = []
    monkeypatch.setattr(cache_module, "_sweep", listed.append)
    cache = Cache(tmp_path)
    keys = [f"{place:02x}{number:062x}" for place in (0, 1) for number in range(20)]
    for key in keys:
        cache.put(key, {"x": np.arange(2.0)})
    assert listed == [tmp_path / "00", tmp_path / "01"]
    assert cache == Cache(tmp_path), "what was listed is no part of what a cache is"


def test_a_cut_line_is_found_from_the_end_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "BLOCK", 7)
    for tail in (b"", b'{"n": 3', b"x" * 40):
        path = tmp_path / f"{len(tail)}.jsonl"
        path.write_bytes(b'{"n": 1}\n{"n": 2}\n' + tail)
        with Journal(path) as journal:
            journal.append({"n": 4})
        assert read_events(path) == [{"n": 1}, {"n": 2}, {"n": 4}]
    path.write_bytes(b"x" * 40)
    with Journal(path):
        assert path.stat().st_size == 0, "a journal of one incomplete line is empty"


def test_events_come_one_by_one(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"n": 1}\nnot json\n')
    assert next(iter_events(path)) == {"n": 1}, "a later line is not read before it is asked for"
    assert list(iter_events(tmp_path / "none")) == []


def test_the_items_of_a_plan_are_listed_once():
    found = plan(RunRequest(model="static", split="egomini-smoke", seeds=2, limit=3, metrics="jerk"))
    assert found.items is found.items
    assert [seed for _, seed in found.items] == [0, 1] * 3


def test_an_index_may_be_larger_than_other_json_files_and_has_a_bound(toy_split, monkeypatch):
    assert folder.MAX_INDEX_BYTES > atomic.MAX_JSON_BYTES
    assert folder.MAX_INDEX_BYTES > 10**6 * 1200, "a million clips fit"
    assert len(open_split(toy_split).infos()) == 8
    monkeypatch.setattr(folder, "MAX_INDEX_BYTES", 10)
    with pytest.raises(BadInputError) as error:
        open_split(toy_split)
    assert error.value.code == "json-too-large"
