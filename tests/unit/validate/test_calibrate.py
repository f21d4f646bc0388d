"""Calibration: the card's figures are the metrics' own, and a card is only good for what it was made of."""

import json

import numpy as np
import pytest
from pipeline_toys import make_split

from egobench.data.content import write_digests
from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.estimators.cards import card_digest, find_card, read_card
from egobench.metrics.hand_score import HandScore
from egobench.plan.calibration import calibration_notes
from egobench.plan.class_code import maker_record
from egobench.plan.estimates import split_camera
from egobench.plan.protocol import protocol_record
from egobench.plan.resolve import resolve_estimator, resolve_metrics
from egobench.run.run import RunRequest, start_run
from egobench.validate.calibrate import CalibrateRequest, calibrate

DICE, GLANCE = "calibrate_toys:Dice", "calibrate_toys:Glance"
LOOKING_LEFT = [[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]]
"""Camera → head: the stiff person's left arm points straight into the picture, the right one away from it."""
DRAWN = np.array([[0.02, 0.0]] * 6 + [[0.0, 0.01], [0.0, 0.0], [0.0005, 0.0]])
"""Shares of pixels, left and right, in nine frames."""


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    path = make_split(tmp_path_factory.mktemp("toy") / "split")
    index = json.loads((path / "split.json").read_text())
    index["facts"]["T_head_camera"] = LOOKING_LEFT
    (path / "split.json").write_text(json.dumps(index))
    for clip in index["clips"]:
        np.savez(path / clip["clip_id"] / "truth.npz", hand_pixels=DRAWN)
    write_digests(path)
    return str(path)


@pytest.fixture(autouse=True)
def cards(tmp_path, monkeypatch):
    folder = tmp_path / "cards"
    monkeypatch.setenv("EGOBENCH_CARDS", str(folder))
    return folder


@pytest.fixture
def card_of(split):
    return lambda name, **changes: read_card(calibrate(CalibrateRequest(name, split, **changes)))


@pytest.fixture(scope="module")
def made(split, tmp_path_factory):
    """Both toys calibrated once: folder of the cards."""
    home = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(home / "cache"))
        for name in (DICE, GLANCE):
            calibrate(CalibrateRequest(name, split, out=home / "cards"))
    return home / "cards"


@pytest.fixture
def dice(made):
    return read_card(made / "calibrate_toys-Dice@toy.json")


@pytest.fixture
def glance(made):
    return read_card(made / "calibrate_toys-Glance@toy.json")


@pytest.fixture
def known(made, monkeypatch):
    """Runs find those cards."""
    monkeypatch.setenv("EGOBENCH_CARDS", str(made))


def test_statuses_coverage_and_failures_are_counted_by_hand(dice):
    card = dice
    # Eight clips: one path failed, on one the estimator raised, six are whole.
    assert card["statuses"] == {"ok": 6, "failed": 1, "raised": 1}
    assert card["coverage"] == pytest.approx(6 / 8)
    assert card["failure_rate"] == pytest.approx(2 / 8)
    assert card["reasons"] == {"failed: too dark": 1}
    assert [(reason[:21], count) for reason, count in card["raised"].items()] == [("ValueError: fell over", 1)]
    assert card["positions"] == "metres"
    assert card["clips"] == {"n": 8, "of": 8, "recordings": 4}


def test_hands_against_drawn_pixels_are_counted_by_hand(glance):
    truth = glance["hands_by_pixels"]
    # Says left in all nine frames, right in none. Left: six hits, two false alarms, one sliver left out. Right: a miss.
    left, right = truth["all"]["sides"]["left"], truth["all"]["sides"]["right"]
    assert (left["recall"], left["false_alarm_rate"], left["precision"]) == (1.0, 1.0, 0.75)
    assert left["f1"] == pytest.approx(12 / 14, rel=1e-5)
    assert (right["recall"], right["false_alarm_rate"], right["precision"]) == (0.0, 0.0, None)
    assert truth["left_out"] == pytest.approx(1 / 18, rel=1e-5)


def test_the_ceiling_of_hand_score_is_the_metric_on_the_references(glance, split):
    figures = glance["metrics"]["hand-score"]
    opened = open_split(split)
    rows = [opened.clip(info.clip_id).reference for info in opened.infos()]
    eyes, camera = resolve_estimator(GLANCE).load("cpu"), split_camera(opened)
    inputs = {
        "hands": [eyes.hands(row.video, camera) for row in rows],
        "motion": [row.motion for row in rows],
        "camera": [camera] * len(rows),
        "reference": [row.motion for row in rows],
    }
    ids = [info.clip_id for info in opened.infos()]
    expected = HandScore(GLANCE).score(inputs, ids, np.repeat(np.arange(4), 2), draws=0, seed=0)
    assert figures["all"]["value"] == pytest.approx(expected.value, rel=1e-5)
    assert figures["all"]["companions"]["sides"]["left"]["f1"] == 1.0
    assert figures["version"] == HandScore.version


def test_without_a_seed_clips_are_seen_twice_and_compared(glance):
    assert glance["seeds"] == {"note": "deterministic, no seed", "seen_twice": 4, "identical": 4}


def test_other_seeds_are_estimated_and_their_spread_is_reported(dice):
    seeds = dice["seeds"]
    assert (seeds["seeds"], seeds["clips"]) == ([0, 1, 2], 8)
    moved = seeds["trans-err"]
    assert len(moved["mean_by_seed"]) == 3
    assert moved["range_of_means"] == pytest.approx(np.ptp(moved["mean_by_seed"]), rel=1e-4)
    assert moved["range_of_a_clip"]["median"] > 0


def test_an_estimator_that_hides_its_seed_is_refused(card_of, monkeypatch):
    monkeypatch.setenv("TOY_MUTE", "1")
    with pytest.raises(BadInputError, match="field `seed`") as refusal:
        card_of(DICE)
    assert refusal.value.code == "estimator-seed"


def test_a_second_calibration_estimates_nothing_again_and_gives_the_same_digest(card_of, tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    first = card_of(DICE, seeds=2)
    looked = len(log.read_text())
    second = card_of(DICE, seeds=2, workers=2)
    # One clip raises and is tried again with each seed; nothing else is.
    assert len(log.read_text()) == looked + 2
    assert second["digest"] == first["digest"]


def test_a_limit_spreads_clips_over_the_split_and_the_card_says_so(card_of):
    card = card_of(GLANCE, limit=4)
    assert card["clips"] == {"n": 4, "of": 8, "recordings": 4}


def test_a_card_of_other_weights_or_of_another_split_is_not_used(dice, known, split, monkeypatch):
    now = maker_record(resolve_estimator(DICE))
    digest = open_split(split).digest
    assert find_card(DICE, now, digest) == dice
    assert find_card(DICE, now, "f" * 64) is None
    monkeypatch.setenv("TOY_WEIGHTS", "1" * 64)
    assert find_card(DICE, maker_record(resolve_estimator(DICE)), digest) is None


def test_seconds_and_machine_do_not_enter_the_digest(glance):
    assert set(glance["seconds_per_clip"]) == {"hands"}
    assert card_digest({**glance, "seconds_per_clip": {}, "machine": {}}) == glance["digest"]


def test_a_run_carries_the_cards_digest_and_figures_and_says_where_there_is_none(glance, made, split, tmp_path):
    def run(cards):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("EGOBENCH_CARDS", str(cards))
            asked = RunRequest(
                "pipeline_toys:ToyModel", split, metrics=f"hand-score:{GLANCE}", engine="inline", out=str(tmp_path)
            )
            return start_run(asked)

    before, after = (run(cards).results["hand-score"] for cards in (tmp_path / "none", made))
    assert before.detail["calibration"] == {GLANCE: {"card": None, "split": "toy"}}
    note = after.detail["calibration"][GLANCE]
    assert (note["card"], note["failure_rate"], note["n"]) == (glance["digest"], 0.0, 8)
    assert note["floor"] == pytest.approx(after.floor, rel=1e-5)
    assert note["chance"] == pytest.approx(after.chance, rel=1e-5)
    assert before.protocol != after.protocol


def test_floor_and_chance_of_path_metrics_are_those_that_a_run_finds(dice, made, split, tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CARDS", str(made))
    metrics = f"rot-err:{DICE},trans-err:{DICE}"
    asked = RunRequest(
        "pipeline_toys:ToyModel", split, metrics=metrics, engine="inline", draws=0, out=str(tmp_path), allow_failed=8
    )
    for name, result in start_run(asked).results.items():
        figures = dice["metrics"][name]
        assert figures["all"]["n"] == 7
        assert figures["all"]["mean"] == pytest.approx(result.floor, rel=1e-5)
        assert figures["chance"]["mean"] == pytest.approx(result.chance, rel=1e-5)
        note = result.detail["calibration"][DICE]
        assert (note["floor"], note["chance"]) == (figures["all"]["mean"], figures["chance"]["mean"])


def test_a_metric_that_no_clip_defines_is_named_with_the_reason(dice):
    assert set(dice["metrics"]) == {"rot-err", "trans-err"}
    assert dice["metrics_without_value"]["fov-drift"] == "the estimator does not refine the focal length here"


def test_errors_are_broken_down_by_what_became_of_the_path(dice):
    by = dice["metrics"]["trans-err"]["by"]["status"]
    assert {status: group["n"] for status, group in by.items()} == {"failed": 1, "ok": 6, "raised": 0}
    assert by["failed"]["companions"]["null_m"]["median"] == pytest.approx(by["failed"]["mean"])


def test_the_protocol_names_the_card(glance, known, split):
    (metric,) = resolve_metrics(f"hand-score:{GLANCE}")
    record = protocol_record(metric, open_split(split), ["toy-00"], 1, "t2vm")
    assert record["calibration"] == {GLANCE: glance["digest"]}


def test_figures_of_another_version_of_the_metric_are_not_quoted(known, split, monkeypatch):
    (metric,) = resolve_metrics(f"hand-score:{GLANCE}")
    assert "floor" in calibration_notes(metric, open_split(split))[GLANCE]
    monkeypatch.setattr(HandScore, "version", 99)
    assert "floor" not in calibration_notes(metric, open_split(split))[GLANCE]


@pytest.mark.parametrize("name", ["seeds", "workers", "limit"])
def test_a_number_below_one_is_refused(card_of, name):
    with pytest.raises(BadInputError, match=f"{name} is 0; at least 1"):
        card_of(GLANCE, **{name: 0})
