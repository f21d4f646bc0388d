"""Fitting by the public verb: a data set with a skeleton and rates of its own, what its card says, what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from egobench import open_split
from egobench.catalog import FITTERS
from egobench.cli.main import main
from egobench.data.folder import SplitFacts, clip_digest, write_index
from egobench.errors import BadInputError, UnknownNameError
from egobench.extractors.motion_text import MotionText
from egobench.files.atomic import read_json
from egobench.files.digest import digest_file
from egobench.files.motion import read_motion, write_motion
from egobench.files.video import write_video
from egobench.fit.fit import FitRequest, check_again, fit
from egobench.geometry.skeleton import Skeleton, forward_kinematics
from egobench.progress import Quiet
from egobench.types import ClipInfo, Motion, Video

pytest.importorskip("torch", reason="extra 'torch'")
STICK = Skeleton(
    "stick8",
    ("hips", "chest", "head", "left_foot", "left_toe", "right_foot", "right_toe", "left_hand"),
    (-1, 0, 1, 0, 3, 0, 5, 1),
)
OFFSETS = np.array(
    [
        *([0, 0, 0], [0, 0, 0.35], [0, 0, 0.3]),
        *([0, 0.1, -0.85], [0.15, 0, -0.05], [0, -0.1, -0.85], [0.15, 0, -0.05]),
        [0, 0.6, 0],
    ]
)
FACTS = SplitFacts(
    fps_video=10.0,
    fps_motion=25.0,
    num_video_frames=11,
    num_motion_frames=26,
    width=64,
    height=64,
    skeleton=STICK.name,
    intrinsics=[[32.0, 0.0, 32.0], [0.0, 32.0, 32.0], [0.0, 0.0, 1.0]],
    T_head_camera=np.eye(4).tolist(),
    joints=list(STICK.joints),
    parents=list(STICK.parents),
)
SAID = ("walk ahead", "turn left", "wait", "step back")


def deed(rng: np.random.Generator, text: str) -> Motion:
    """One second of a stick figure doing what is said."""
    times = np.arange(FACTS.num_motion_frames) / FACTS.fps_motion
    speed = {"walk ahead": 0.8, "step back": -0.5}.get(text, 0.0) * rng.uniform(0.8, 1.2)
    yaw = rng.uniform(0, 6) + (times if text == "turn left" else 0 * times)
    turns = Rotation.from_euler("z", yaw[:, None]).as_matrix()
    root = np.array([0, 0, 0.9]) + speed * times[:, None] * turns[:, :, 0]
    rotations = np.repeat(turns[:, None], len(STICK), axis=1)
    return Motion(forward_kinematics(STICK, OFFSETS, root, rotations), rotations, FACTS.fps_motion, STICK.name)


@pytest.fixture(scope="module")
def stick_split(tmp_path_factory):
    path, rows = tmp_path_factory.mktemp("stick") / "split", []
    for number in range(12):
        rng = np.random.default_rng([3, number])
        text, clip_id = SAID[number % 4], f"stick-{number:02d}"
        video = Video(rng.integers(0, 256, (11, 64, 64, 3), dtype=np.uint8), FACTS.fps_video)
        folder = path / clip_id
        folder.mkdir(parents=True)
        write_video(folder / "video.mp4", video.frames, video.fps)
        write_motion(folder / "motion.npz", deed(rng, text))
        said = {"text": text, "sequence": f"s{number // 2}", "participant": "p0"}
        motion = read_motion(folder / "motion.npz", fps=FACTS.fps_motion, skeleton=STICK.name)
        digest = clip_digest(**said, video=video, motion=motion, truth={})
        rows.append(ClipInfo(clip_id=clip_id, stratum=text.split()[0], digest=digest, **said))
    write_index(path, "stick", FACTS, rows)
    return path


@pytest.fixture(scope="module")
def fitted(stick_split, tmp_path_factory):
    """motion-text fitted on the stick figures by the command line; the folder."""
    out = tmp_path_factory.mktemp("fitted")
    words = ["fit", "motion-text", "--split", str(stick_split), "--val", str(stick_split)]
    assert main([*words, "--out", str(out), "--steps", "12"]) == 0
    return out


def test_a_split_brings_a_skeleton_of_its_own(stick_split):
    split = open_split(stick_split)
    motion = split.clip("stick-00").reference.motion
    assert motion.skeleton == split.facts["skeleton"] == "stick8"
    assert split.facts["joints"] == list(STICK.joints)


def test_any_skeleton_and_rate_can_be_fitted_and_the_weights_say_which(fitted, stick_split):
    extractor = MotionText(fitted / "motion-text.safetensors")
    assert extractor.layout.skeleton.joints == STICK.joints
    assert extractor.protocol()["skeleton"] == "stick8"
    motion = open_split(stick_split).clip("stick-00").reference.motion
    assert extractor.load("cpu").motion(motion).shape == (128,)


def test_the_card_says_what_the_weights_were_made_from_and_how_well_they_do(fitted, stick_split):
    card, split = read_json(fitted / "motion-text.card.json"), open_split(stick_split)
    assert card["made_from"] == {"split": "stick", "digest": split.digest, "clips": 12}
    assert card["sha256"] == digest_file(fitted / "motion-text.safetensors")
    assert (card["recipe"]["steps"], card["recipe"]["seed"], card["skeleton"]) == (12, 0, "stick8")
    checks = card["checks"]
    assert (checks["split"], checks["clips"], checks["pool"]) == ("stick", 12, 12)
    assert [step["noise_cm"] for step in checks["noise_ladder"]["steps"]] == [0, 1, 2, 5, 10, 20]
    assert checks["noise_ladder"]["steps"][0]["m_fid"] == 0
    assert checks["moved_and_turned"]["largest"] < 1e-4
    assert "performed_at_20_fps" not in checks  # nobody can perform these again
    assert sorted(path.name for path in fitted.iterdir()) == ["motion-text.card.json", "motion-text.safetensors"]


def test_weights_are_checked_on_one_more_split_without_fitting(fitted, stick_split, capsys):
    before = digest_file(fitted / "motion-text.safetensors")
    words = ["fit", "motion-text", "--out", str(fitted), "--check", str(stick_split), "--json"]
    assert main(words) == 0
    card = read_json(Path(json.loads(capsys.readouterr().out)["card"]))
    assert card["further_checks"]["stick"] == card["checks"]
    assert card["sha256"] == before


def test_the_last_line_says_what_metrics_take_and_a_run_takes_it(fitted, stick_split, tmp_path, capsys, monkeypatch):
    assert main(["fit", "motion-text", "--out", str(fitted), "--check", str(stick_split)]) == 0
    last = capsys.readouterr().err.strip().splitlines()[-1]
    words = last.rpartition("--metrics ")[2]
    file = fitted / "motion-text.safetensors"
    names = ("m-fid", "mm-dist", "r-precision")
    assert words == ",".join(["core", *(f"{name}:motion-text@{file}" for name in names)])

    # as a user has it: a path from here, everything after that from elsewhere
    monkeypatch.chdir(fitted)
    metrics = words.replace("core,", "jerk,").replace(f"@{file}", "@motion-text.safetensors")
    asked = ["--split", str(stick_split), "--out", str(tmp_path / "runs"), "--engine", "inline", "--metrics", metrics]
    assert main(["run", "--model", "reference", *asked]) == 0
    monkeypatch.chdir(tmp_path)
    (run,) = (tmp_path / "runs").iterdir()
    document, manifest = read_json(run / "metrics.json"), read_json(run / "manifest.json")
    assert set(document["metrics"]) == {"jerk", *names}
    assert document["metrics"]["m-fid"]["value"] == 0
    for name in names:
        record = manifest["protocols"][document["metrics"][name]["protocol"]]
        shown = f"motion-text@{digest_file(file)[:12]}"
        assert record["metric"]["preset"] == shown
        assert record["extractors"][shown]["weights_sha256"] == digest_file(file)
        assert str(fitted) not in json.dumps(record)
    assert main(["resume", str(run)]) == 0
    assert main(["verify", str(run)]) == 0
    assert main(["rescore", str(run), "--metrics", f"m-fid:motion-text@{file}"]) == 0
    assert set(read_json(run / "metrics.json")["metrics"]) == {"jerk", *names}  # the same weights, no second row


def test_without_the_file_a_runs_own_skeleton_is_told_how_to_get_one(stick_split, tmp_path, capsys):
    assert main(["run", "--model", "reference", "--split", str(stick_split), "--out", str(tmp_path), "--dry-run"]) == 0
    told = capsys.readouterr()
    assert "`egobench fit motion-text --split …` makes others, and `--metrics NAME:motion-text@FILE` takes" in (
        told.out + told.err
    )


def test_a_card_of_other_weights_is_not_added_to(fitted, stick_split, tmp_path):
    request = FitRequest("motion-text", out=tmp_path)
    request.weights.write_bytes((fitted / "motion-text.safetensors").read_bytes())
    with pytest.raises(BadInputError) as refusal:
        check_again(request, str(stick_split), Quiet())
    assert refusal.value.code == "card-missing"
    request.card.write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(BadInputError) as refusal:
        check_again(request, str(stick_split), Quiet())
    assert refusal.value.code == "weights-other"


def test_the_video_evaluator_is_fitted_and_checked_by_the_same_verb(stick_split, tmp_path):
    request = FitRequest("egomini-video", str(stick_split), str(stick_split), tmp_path, steps=2)
    card = read_json(fit(request, Quiet()))
    assert card["recipe"]["words"] == len({word for text in SAID for word in text.split()})
    assert set(card["checks"]["ladders"]) == {"freeze", "shuffle", "reverse", "fast", "slow", "blur", "noise", "drift"}
    assert card["checks"]["floor_between_halves"] > 0


def test_the_odometry_is_fitted_and_checked_by_the_same_verb(stick_split, tmp_path, monkeypatch):
    monkeypatch.setattr("egomini.evaluators.odometry_health.LADDER_CLIPS", 2)
    request = FitRequest("egomini-odometry", str(stick_split), str(stick_split), tmp_path, steps=2)
    card = read_json(fit(request, Quiet()))
    checks = card["checks"]
    assert card["made_from"]["clips"] == checks["clips"] == 12
    assert set(checks["strata"]) == {text.split()[0] for text in SAID}
    assert set(checks["ladders"]) == {"none", "blur", "noise", "coarse", "drift", "codec", "freeze"}
    assert checks["camera_said_to_stand"]["translation_m"]["value"] > 0.05


def test_hands_are_fitted_only_where_every_pixel_is_known(stick_split, tmp_path):
    with pytest.raises(BadInputError, match="'stick' does not say what each pixel shows") as refusal:
        fit(FitRequest("egomini-hands", str(stick_split), str(stick_split), tmp_path, steps=2), Quiet())
    assert refusal.value.code == "split-form"


def test_videos_of_another_size_are_refused_by_the_video_evaluator(toy_split, tmp_path):
    with pytest.raises(BadInputError, match="9 frames of 32 × 16 pixels") as refusal:
        fit(FitRequest("egomini-video", str(toy_split), str(toy_split), tmp_path, steps=2), Quiet())
    assert refusal.value.code == "split-form"


def test_unknown_evaluators_and_splits_are_answered_with_near_ones():
    with pytest.raises(UnknownNameError, match="did you mean 'motion-text'"):
        fit(FitRequest("motion-txt"), Quiet())
    with pytest.raises(UnknownNameError, match="did you mean 'egomini-train'"):
        fit(FitRequest("motion-text", "egomini-trian"), Quiet())
    assert set(FITTERS.names()) == {"egomini-clip", "egomini-video", "motion-text", "egomini-odometry", "egomini-hands"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"skeleton": "xsens23"}, "skeleton-name"),
        ({"skeleton": "stick-bad", "parents": [-1, 0, 5, 0, 3, 0, 5, 1]}, "skeleton-tree"),
        ({"skeleton": "stick-bad", "parents": [-1, 0]}, "skeleton-tree"),
        ({"skeleton": "stick-bad", "joints": [*STICK.joints[:2], "skull", *STICK.joints[3:]]}, "skeleton-tree"),
    ],
)
def test_a_skeleton_that_is_no_tree_or_takes_a_known_name_is_refused(stick_split, tmp_path, changes, code):
    index = read_json(stick_split / "split.json")
    (tmp_path / "split.json").write_text(json.dumps({**index, "facts": {**index["facts"], **changes}}))
    with pytest.raises(BadInputError) as refusal:
        open_split(tmp_path)
    assert refusal.value.code == code
    assert "\n" not in str(refusal.value)
