"""Reasons are counted together where only their numbers differ."""

from egobench.scoring.reasons import count_reasons


def test_reasons_that_differ_in_a_number_are_one_with_its_range():
    said = [
        "turns by 0.9 deg/s; 2 are needed",
        "turns by 0.11 deg/s; 2 are needed",
        "turns by 1e-05 deg/s; 2 are needed",
    ]
    assert count_reasons(said, 5) == {"turns by 1e-05 … 0.9 deg/s; 2 are needed": 3}


def test_several_numbers_have_a_range_each_and_equal_ones_none():
    said = ["frame 3 of 41 is 7 mm off", "frame 20 of 41 is 5 mm off", "black"]
    assert count_reasons(said, 5) == {"frame 3 … 20 of 41 is 5 … 7 mm off": 2, "black": 1}


def test_numbers_in_names_and_places_keep_reasons_apart():
    said = ["no file hd-0001.txt", "no file hd-0002.txt", "fell over (model.py:3)", "fell over (model.py:9)"]
    assert count_reasons(said, 5) == dict.fromkeys(sorted(said), 1)


def test_the_commonest_come_first_and_those_beyond_the_most_are_summed():
    said = [*["b"] * 3, *["a"] * 3, *["c"] * 2, "d", "e"]
    assert list(count_reasons(said, 3).items()) == [("a", 3), ("b", 3), ("c", 2), ("other reasons", 2)]
    assert count_reasons([], 3) == {}
