"""motion-text: the shipped weights and their card; the loss by hand; a tiny fit that is stopped and goes on."""

import json
from functools import partial

import numpy as np
import pytest
from fit_checks import is_same_after_a_stop
from safetensors.numpy import save_file

from egobench import open_split
from egobench.errors import BadInputError
from egobench.extractors.motion_features import MotionLayout
from egobench.extractors.motion_text import WEIGHTS, MotionText, layout_metadata
from egobench.files.digest import digest_file
from egobench.files.network_weights import save_state
from egobench.fit.motion_text import MotionTextRecipe, contrast, fit_motion_text, statistics, swap_sides
from egobench.geometry.skeleton import SMPL22, XSENS23

torch = pytest.importorskip("torch", reason="extra 'torch'")
CARD = WEIGHTS / "motion-text.card.json"
LAYOUT = MotionLayout(XSENS23, 10.0)
RECIPE = MotionTextRecipe(steps=4, batch=6, warmup=1)
TEXTS = ["walk left", "turn right", "wave a hand", "stand still", "walk left", "crouch down", "look up", "step back"]


@pytest.fixture(scope="module")
def card():
    return json.loads(CARD.read_text())


@pytest.fixture(scope="module")
def toys():
    return np.random.default_rng(0).normal(size=(len(TEXTS), 21, LAYOUT.width)).astype(np.float16)


@pytest.fixture(scope="module")
def tiny(toys, tmp_path_factory):
    """A network of four steps, loaded from its file."""
    folder = tmp_path_factory.mktemp("tiny")
    state = fit_motion_text(toys, TEXTS, LAYOUT, RECIPE, folder / "checkpoint", lambda step, loss: None)
    save_state(folder / "tiny.safetensors", state, layout_metadata(LAYOUT))
    return MotionText(folder / "tiny.safetensors").load("cpu")


def test_the_card_describes_these_weights_and_their_parents(card):
    weights = WEIGHTS / "motion-text.safetensors"
    assert card["sha256"] == digest_file(weights) == MotionText().weights_sha256
    assert card["bytes"] == weights.stat().st_size <= 6_000_000
    assert card["made_from"]["split"] == "egomini-train"
    assert card["made_from"]["digest"] == open_split("egomini-train").digest
    assert card["checks"]["split"] == "egomini-val"
    assert card["checks"]["digest"] == open_split("egomini-val").digest
    assert card["further_checks"]["egomini-test"]["digest"] == open_split("egomini-test").digest


def test_the_card_says_that_the_evaluator_is_fit_to_judge(card):
    test = card["further_checks"]["egomini-test"]
    assert test["r_precision_reference"]["top3"]["value"] >= 0.9
    for checks in (card["checks"], test):
        for place, chance in checks["chance"].items():
            assert checks["r_precision_reference"][place]["ci95"][0] > 4 * chance
            low, high = checks["r_precision_shuffled_captions"][place]["ci95"]
            assert low - 0.02 <= chance <= high + 0.02
        assert checks["noise_ladder"]["m_fid_rises"]
        assert checks["noise_ladder"]["steps"][-1]["r_precision"] < checks["noise_ladder"]["steps"][0]["r_precision"]
        assert checks["moved_and_turned"]["largest"] < 1e-3
        assert checks["performed_at_20_fps"]["largest"] < 0.1  # a hundredth of a feature's length
    assert card["loss_curve"][-1][1] < card["loss_curve"][0][1]


def test_the_shipped_evaluator_tells_captions_of_unseen_wearers_apart():
    split = open_split("egomini-smoke")
    loaded = MotionText().load("cpu")
    rows = split.infos()
    motions = np.stack([loaded.motion(split.clip(row.clip_id).reference.motion) for row in rows])
    texts = np.stack([loaded.text(row.text) for row in rows])
    distances = np.linalg.norm(texts[:, None] - motions, axis=-1)
    own = np.diag(distances)
    assert own.mean() < distances.mean() - 1


def test_features_have_one_length_and_the_same_input_gives_the_same_bytes(tiny, swaying):
    motion, text = tiny.motion(swaying()), tiny.text("walk left")
    assert motion.shape == text.shape == (128,)
    assert motion.dtype == text.dtype == np.float32
    assert np.linalg.norm(motion) == pytest.approx(10, abs=1e-4) == np.linalg.norm(text)
    assert np.array_equal(motion, tiny.motion(swaying()))
    assert np.array_equal(text, tiny.text("Walk left"))


def test_any_length_of_motion_and_any_text_has_features(tiny, swaying):
    for seconds in (0.4, 12.0):
        assert np.isfinite(tiny.motion(swaying(seconds=seconds))).all()
    for text in ("", "walk " * 500, "ñandú 走る 🙂"):
        assert np.isfinite(tiny.text(text)).all()


def test_place_and_heading_change_nothing_and_the_rate_next_to_nothing(tiny, swaying, moved):
    motion = tiny.motion(swaying())
    assert np.abs(motion - tiny.motion(moved(swaying(), yaw=2.0, shift=(9.0, -3.0, 0.0)))).max() < 1e-4
    assert np.linalg.norm(motion - tiny.motion(swaying(fps=20.0))) < 0.1


def test_identical_captions_are_not_each_other_s_negatives():
    # Two orthogonal pairs. As strangers at scale 2: -log(e² / (e² + 1)) = log(1 + e⁻²); as twins there is no rival.
    features, scale = torch.eye(2), torch.tensor(2.0)
    strangers = contrast(features, features, scale, np.array([0, 1]))
    twins = contrast(features, features, scale, np.array([3, 3]))
    assert float(strangers) == pytest.approx(np.log1p(np.exp(-2)))
    assert float(twins) == 0.0


def test_a_mirrored_caption_swaps_sides_as_words_only():
    assert swap_sides("turn Left, then raise the right hand") == "turn right, then raise the left hand"
    assert swap_sides("a leftover brightness") == "a leftover brightness"


def test_scaling_is_one_number_a_group_and_never_by_nothing(toys):
    mean, std = statistics(toys, LAYOUT)
    assert mean == pytest.approx(toys.astype(np.float64).mean(axis=(0, 1)), abs=1e-6)
    for columns in LAYOUT.groups.values():
        assert len(set(std[columns].tolist())) == 1
    assert statistics(np.zeros_like(toys), LAYOUT)[1].min() == pytest.approx(1e-3)


def test_a_fit_that_is_stopped_and_goes_on_gives_the_same_bytes(toys, tmp_path, monkeypatch):
    assert is_same_after_a_stop(partial(fit_motion_text, toys, TEXTS, LAYOUT, RECIPE), tmp_path, monkeypatch)


def test_missing_damaged_and_foreign_weights_are_refused_by_code(tiny, toys, tmp_path):
    path = tmp_path / "motion-text.safetensors"
    codes = {}
    for case in ("missing", "text", "no layout", "other network"):
        if case == "text":
            path.write_text("not a weight file")
        if case == "no layout":
            save_file({"weight": np.zeros((2, 2), np.float32)}, path)
        if case == "other network":
            save_file({"weight": np.zeros((2, 2), np.float32)}, path, layout_metadata(LAYOUT))
        with pytest.raises(BadInputError) as refusal:
            MotionText(path).load("cpu")
        codes[case] = refusal.value.code
        assert "\n" not in str(refusal.value)
    wanted = {"missing": "weights-missing", "text": "weights-unreadable"}
    assert codes == {**wanted, "no layout": "weights-other", "other network": "weights-other"}


def test_a_split_of_another_skeleton_is_refused_before_anything_is_sampled(tiny, tmp_path):
    save_state(tmp_path / "w.safetensors", tiny.network.state_dict(), layout_metadata(LAYOUT))
    extractor = MotionText(tmp_path / "w.safetensors")
    extractor.check({"skeleton": XSENS23.name})
    with pytest.raises(BadInputError, match="fit motion-text"):
        extractor.check({"skeleton": SMPL22.name})


def test_the_protocol_names_weights_skeleton_and_rate_and_no_path(tiny, tmp_path):
    save_state(tmp_path / "w.safetensors", tiny.network.state_dict(), layout_metadata(LAYOUT))
    record = MotionText(tmp_path / "w.safetensors").protocol()
    assert record["weights_sha256"] == digest_file(tmp_path / "w.safetensors")
    assert (record["skeleton"], record["rate"], len(record["joints"])) == ("xsens23", 10.0, 23)
    assert str(tmp_path) not in json.dumps(record)
