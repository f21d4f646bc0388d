"""Captions that no text encoder reads as meant get a line."""

from egobench.data.caption_notes import caption_notes
from egobench.types import ClipInfo


def info(clip, text):
    return ClipInfo(clip, "s", "p", text, "walk", "0" * 16)


def test_usual_captions_get_none():
    assert caption_notes([info("a", "walks to the door"), info("b", "word " * 60)]) == []


def test_empty_captions_are_counted_and_named():
    infos = [info(f"c{k}", " \n" if k else "walks") for k in range(6)]
    (line,) = caption_notes(infos)
    assert line == "5 of 6 captions have no text (c1, c2, c3, …): metrics of text judge nothing there"


def test_a_caption_of_400_words_is_named_with_its_length():
    (line,) = caption_notes([info("a", "walks"), info("b", "word " * 400)])
    assert line.startswith("1 of 2 captions has more than 60 words, up to 400 (b): ")
