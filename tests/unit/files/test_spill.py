"""A list on disk is a list."""

import random

import pytest

from egobench.files.spill import SpilledList


def test_a_spilled_list_holds_what_was_appended_in_order(tmp_path):
    entries = [(f"clip-{number}", number, None if number % 3 else 0.1 * number) for number in range(25)]
    spilled: SpilledList = SpilledList(tmp_path, block=4)
    for count, entry in enumerate(entries, start=1):
        spilled.append(entry)
        assert (len(spilled), spilled[-1], list(spilled)) == (count, entry, entries[:count])
    places = random.Random(0).choices(range(-25, 25), k=60)
    assert [spilled[place] for place in places] == [entries[place] for place in places]
    assert spilled[3:20:5] == entries[3:20:5]
    for place in (25, -26):
        with pytest.raises(IndexError):
            spilled[place]


def test_its_file_has_no_name_and_a_short_list_has_none(tmp_path, monkeypatch):
    spilled: SpilledList = SpilledList(tmp_path, block=4)
    for number in range(9):
        spilled.append(number)
    assert list(tmp_path.iterdir()) == [], "a killed process leaves nothing behind"
    short: SpilledList = SpilledList(tmp_path / "no such folder", block=4)
    for number in range(4):
        short.append(number)
    assert list(short) == [0, 1, 2, 3]


def test_some_entries_are_a_list_of_their_own(tmp_path):
    spilled: SpilledList = SpilledList(tmp_path, block=4)
    for number in range(9):
        spilled.append(number)
    chosen = spilled.chosen([8, 0, 0, 5])
    assert list(chosen) == [8, 0, 0, 5]
    assert list(chosen.chosen([3, 1])) == [5, 0]
    assert chosen[1:] == [0, 0, 5]
