"""Which clips of the embedded world have texture everywhere."""

from dataclasses import replace

from egobench.data.open import open_split
from egomini.splits.frozen import EGOMINI_HD, SPECS
from egomini.splits.looks import clip_looks


def test_half_of_the_clips_in_high_definition_are_rich_in_every_stratum():
    infos = open_split("egomini-hd").infos()
    looks = clip_looks(SPECS["egomini-hd"], infos)
    assert sorted(looks.values()) == ["plain"] * 12 + ["rich"] * 12
    assert {info.stratum for info in infos if looks[info.clip_id] == "rich"} == {"walk", "look", "still"}
    assert all(looks[EGOMINI_HD.clip_id(number, 0)] == ("plain", "rich")[number % 2 == 0] for number in range(24))


def test_splits_of_one_look_and_of_other_worlds_are_not_broken_down():
    infos = open_split("egomini-smoke").infos()
    assert clip_looks(SPECS["egomini-smoke"], infos) is None
    assert clip_looks(SPECS["egomini-hd"], (replace(infos[0], sequence="mine"),)) is None
