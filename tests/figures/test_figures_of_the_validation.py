"""The figures of docs/metric-validation.md are those of the reports that are kept beside it."""

import re

import pytest
from figures_measured import SENTENCES
from figures_sources import entries, ladder, report, verdicts
from figures_text import differing, sentence, text_of

PAGE, MOTION, VIDEO, HD = "docs/metric-validation.md", "egomini-test", "egomini-test-video", "egomini-hd"


def _count(name, expected):
    return len(verdicts(name, expected))


def _orders(name):
    return sum(len(metric["order"]) for metric in report(name)["metrics"].values())


def _rungs(name, metric, fault, *strengths):
    values = ladder(name, metric, fault)
    return [values[strength] for strength in strengths or sorted(values)[1:]]


def _control(name, metric, control):
    found = report(name)["metrics"][metric]["controls"][control]
    return [found["value"], *found["ci95"]]


def _recordings(name):
    return report(name)["clips"] // 4  # four clips a recording


TOLD = {
    "faults of motion and the five controls, on the first {} clips ({} recordings) of egomini-test, {} runs, {} "
    "bootstrap draws": lambda: [
        report(MOTION)["clips"], _recordings(MOTION), _runs(MOTION), report(MOTION)["draws"]
    ],
    "the {} that must get worse are monotone, the {} that must leave a metric alone do, and the {} orders of controls "
    "hold": lambda: [
        _count(MOTION, "worse"), _count(MOTION, "unmoved"), _orders(MOTION)
    ],
    "hand-score of the reference is {} [{}, {}], of `static` {} [{}, {}]": lambda: [
        *_control(MOTION, "hand-score", "reference"), *_control(MOTION, "hand-score", "static")
    ],
    "at {} cm/s moves foot-skate sixtyfold ({} → {} m/s) and m-fid by {}": lambda: [
        5, *_rungs(MOTION, "foot-skate", "slide", 0.0, 0.05), *_rungs(MOTION, "m-fid", "slide", 0.05)
    ],
    "noise of {} mm moves jerk from {} to {} m/s³ and m-fid by {} only": lambda: [
        5, *_rungs(MOTION, "jerk", "jitter", 0.0, 0.005), *_rungs(MOTION, "m-fid", "jitter", 0.005)
    ],
    "a heading that drifts by {}, {}, {}, {}°/s is {}, {}, {}, {}° (floor {}°)": lambda: [
        2, 5, 10, 20, *_rungs(MOTION, "rot-err", "yaw-drift"), report(MOTION)["metrics"]["rot-err"]["floor"]
    ],
    "drifts aside by {} to {} m/s is {} to {} m (floor {} m)": lambda: [
        0.05, 0.4, *_rungs(MOTION, "trans-err", "lateral-drift", 0.05, 0.4),
        report(MOTION)["metrics"]["trans-err"]["floor"],
    ],
    "`lift` by {} cm leaves floor-float at {} m and shows from {} cm on": lambda: [
        5, *_rungs(MOTION, "floor-float", "lift", 0.05), 10
    ],
    "faults of video and of pairing, on the same clips, {} runs": lambda: [_runs(VIDEO)],
    "Its {} ladders that must get worse are monotone, the {} that must leave a metric alone do, the {} orders "
    "hold": lambda: [
        _count(VIDEO, "worse"), _count(VIDEO, "unmoved"), _orders(VIDEO)
    ],
    "a blur of {} px is {} and {} (as many other real clips of egomini-test: {} and {}), {} grey levels of noise {} "
    "and {}": lambda: [
        1, *_rungs(VIDEO, "fvd", "blur", 1.0), *_rungs(VIDEO, "i-fid", "blur", 1.0),
        entries()["reference"]["fvd"]["floor"], entries()["reference"]["i-fid"]["floor"],
        15, *_rungs(VIDEO, "fvd", "noise", 15.0), *_rungs(VIDEO, "i-fid", "noise", 15.0),
    ],
    "half the frames are worth {}, four fifths {}, less than half a pixel of blur ({})": lambda: [
        *_rungs(VIDEO, "fvd", "freeze", 0.5, 0.8), *_rungs(VIDEO, "fvd", "blur", 0.5)
    ],
    "clip-sim with a caption of its own {}, of another clip {}; noise that a person finds unbearable ({} grey levels) "
    "costs it {} only": lambda: [
        report(VIDEO)["metrics"]["clip-sim"]["floor"], report(VIDEO)["metrics"]["clip-sim"]["chance"], 60,
        _rungs(VIDEO, "clip-sim", "noise", 0.0)[0] - _rungs(VIDEO, "clip-sim", "noise", 60.0)[0],
    ],
    "late by {}, {}, {} ms is found by sync-lag as {}, {}, {} ms (floor {})": lambda: [
        125, 250, 500, *_rungs(VIDEO, "sync-lag", "video-delay"), report(VIDEO)["metrics"]["sync-lag"]["floor"]
    ],
    "rot-err sees the same as {}, {}, {}° (floor {}), hand-score as {}, {}, {}": lambda: [
        *_rungs(VIDEO, "rot-err", "video-delay"), report(VIDEO)["metrics"]["rot-err"]["floor"],
        *_rungs(VIDEO, "hand-score", "video-delay"),
    ],
    "A mirrored video: rot-err {}° of {} mirrored clips, hand-score {}": lambda: [
        *_rungs(VIDEO, "rot-err", "video-mirror", 1.0), report(VIDEO)["clips"],
        *_rungs(VIDEO, "hand-score", "video-mirror", 1.0),
    ],
    "by colmap, on the first {} clips of egomini-hd": lambda: [report(HD)["clips"]],
    "A zoom by {}, {}, {}, {} % is measured as {}, {}, {}, {} % (floor {} % [{}, {}])": lambda: [
        *sorted(ladder(HD, "fov-drift", "zoom"))[1:], *_rungs(HD, "fov-drift", "zoom"),
        *_control(HD, "fov-drift", "reference"),
    ],
}  # fmt: skip
"""What the page says → what the reports have."""


def _runs(name):
    """A run for every rung above none of every fault, and one for each control; the reference is the lowest rung."""
    rungs = {
        (fault, strength)
        for metric in report(name)["metrics"].values()
        for fault, found in metric["ladders"].items()
        for strength in found["strengths"]
        if strength
    }
    return len(rungs) + len(report(name)["metrics"]["trans-err"]["controls"])


@pytest.mark.parametrize("template", TOLD)
def test_what_the_page_says_is_what_the_report_has(template):
    assert not differing(list(sentence(PAGE, template).groups()), TOLD[template]())


@pytest.mark.parametrize("name", [MOTION, VIDEO, HD])
def test_the_ladders_are_as_declared_and_the_command_names_their_faults(name):
    assert set(verdicts(name, "worse")) == {"monotone"}
    assert set(verdicts(name, "unmoved")) <= {"unmoved"}
    orders = [order["verdict"] for metric in report(name)["metrics"].values() for order in metric["order"]]
    assert set(orders) <= {"in order"}
    assert not report(name)["problems"]
    assert f"--faults {','.join(report(name)['faults'])}" in text_of(PAGE)


def test_the_metrics_that_do_not_look_at_pairs_are_those_of_the_report():
    found = {name: metric["pairing"] for name, metric in report(MOTION)["metrics"].items()}
    said = re.search(r"as designed: (.+?)\. These .+? ones: (.+?)\. (.+?) do not look at", text_of(PAGE), re.DOTALL)
    assert said
    for words, pairing in zip(said.groups(), ("uninformative", "told apart", "not asked"), strict=True):
        assert set(re.split(r",\s+|\s+and\s+", words)) == {name for name, p in found.items() if p == pairing}


def test_every_figure_with_decimals_has_a_source_or_a_command():
    text = text_of(PAGE)
    spans = [sentence(PAGE, template).span() for template in [*TOLD, *SENTENCES[PAGE]]]
    spans += [found.span() for found in re.finditer(r"(?m)^    .*$|`[^`]+`", text)]
    left = [
        found.group()
        for found in re.finditer(r"(?<![\w.])\d+\.\d+", text)
        if not any(start <= found.start() < end for start, end in spans)
    ]
    assert not left
