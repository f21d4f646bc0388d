"""The split format: written, read back, verified; and every kind of damage named."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from egobench import open_split
from egobench.cli.main import dispatch
from egobench.data.compact import dequantise, quantise
from egobench.data.content import verify_split, write_digests
from egobench.data.folder import SplitFacts, clip_digest, open_folder, split_digest, write_index
from egobench.errors import BadInputError, UnknownNameError
from egobench.files.arrays import write_npz
from egobench.files.motion import write_motion
from egobench.files.video import read_video, write_video
from egobench.geometry.skeleton import SKELETONS, XSENS23, forward_kinematics
from egobench.types import ClipInfo, Motion

FACTS = SplitFacts(8.0, 16.0, 5, 9, 16, 16, "xsens23", np.eye(3).tolist(), np.eye(4).tolist())
BONE = 0.16


def standing(frames: int = 9, fps: float = 16.0) -> Motion:
    """A person of straight bones, about 1.7 m tall, in the identity pose."""
    offsets = np.zeros((len(XSENS23), 3))
    for joint in ("l5", "l3", "t12", "t8", "neck", "head"):
        offsets[XSENS23.index(joint)] = (0, 0, 0.1)
    for side, sign in (("left", 1), ("right", -1)):
        offsets[XSENS23.index(f"{side}_upper_leg")] = (0, 0.1 * sign, 0)
        offsets[XSENS23.index(f"{side}_lower_leg")] = offsets[XSENS23.index(f"{side}_foot")] = (0, 0, -0.42)
        offsets[XSENS23.index(f"{side}_toe")] = (0.12, 0, -0.06)
        for joint in ("shoulder", "upper_arm", "forearm", "hand"):
            offsets[XSENS23.index(f"{side}_{joint}")] = (0, BONE * sign, 0)
    rotations = np.tile(np.eye(3), (frames, len(XSENS23), 1, 1))
    root = np.tile([0.0, 0.0, 0.95], (frames, 1))
    return Motion(forward_kinematics(XSENS23, offsets, root, rotations), rotations, fps)


@pytest.fixture
def folder(tmp_path):
    rows, rng = [], np.random.default_rng(0)
    for number in range(2):
        place = tmp_path / f"clip-{number}"
        place.mkdir()
        write_video(place / "video.mp4", rng.integers(0, 256, (5, 16, 16, 3), dtype=np.uint8), 8.0)
        write_motion(place / "motion.npz", standing())
        truth = {"hand_pixels": rng.random((5, 2))}
        write_npz(place / "truth.npz", **truth)
        said = {"text": f"person {number} stands", "sequence": f"s{number}", "participant": "w0"}
        digest = clip_digest(**said, video=read_video(place / "video.mp4"), motion=standing(), truth=truth)
        rows.append(ClipInfo(place.name, stratum="still", digest=digest, **said))
    write_index(tmp_path, "toy", FACTS, rows)
    return tmp_path


def test_a_split_folder_opens_by_its_path_and_gives_condition_and_reference(folder):
    split = open_split(folder)
    assert [row.clip_id for row in split.infos()] == ["clip-0", "clip-1"]
    clip = split.clip("clip-1")
    assert clip.condition.text == "person 1 stands"
    assert clip.condition.split == str(folder)
    assert np.array_equal(clip.condition.first_frame, clip.reference.video.frames[0])
    assert clip.condition.first_pose.positions.shape == (1, 23, 3)
    assert clip.reference.hand_pixels is not None
    assert clip.reference.contacts is None
    assert clip.condition.motion is None
    assert clip.condition.video is None


def test_a_whole_split_verifies_and_an_edited_caption_is_found(folder):
    assert verify_split(folder) == []
    index = json.loads((folder / "split.json").read_text())
    index["clips"][0]["text"] = "person 0 sits"
    (folder / "split.json").write_text(json.dumps(index))
    assert any("clip-0: content digest" in line for line in verify_split(folder))


def test_a_motion_out_of_convention_is_found_though_its_digest_is_right(folder):
    index = json.loads((folder / "split.json").read_text())
    split = open_folder(folder)
    for number, row in enumerate(index["clips"]):
        clip = split.clip(row["clip_id"])
        positions = clip.reference.motion.positions
        spoilt = positions[..., [1, 0, 2]] * [-1, 1, 1] if number == 0 else np.float16(positions).astype(np.float64)
        motion = replace(clip.reference.motion, positions=spoilt)
        write_motion(folder / row["clip_id"] / "motion.npz", motion)
        truth = {"hand_pixels": clip.reference.hand_pixels}
        row["digest"] = clip_digest(
            **{name: row[name] for name in ("text", "sequence", "participant")},
            **{"video": clip.reference.video, "motion": motion, "truth": truth},
        )
    index["digest"] = split_digest([ClipInfo(**row) for row in index["clips"]])
    (folder / "split.json").write_text(json.dumps(index))
    warnings = []
    (problem,) = verify_split(folder, warn=warnings.append)
    assert problem.startswith("clip-0: motion-yaw: motion: positions are turned by 90° about z")
    (warning,) = warnings
    assert warning.startswith("clip-1: warning motion-precision: positions are float16 in steps of ")


def test_the_digest_is_of_content_and_not_of_codec_or_name(folder, tmp_path):
    before = open_folder(folder).clip("clip-0").reference.video
    write_video(folder / "clip-0" / "video.mp4", before.frames, 8.0, faststart=False)
    assert verify_split(folder) == []
    moved = tmp_path.parent / "elsewhere"
    shutil.copytree(folder, moved)
    assert open_folder(moved).digest == open_folder(folder).digest


def test_a_subset_has_a_digest_of_its_own(folder):
    part = open_folder(folder, name="part", subset=["clip-1"])
    assert [row.clip_id for row in part.infos()] == ["clip-1"]
    assert part.digest != open_folder(folder).digest
    assert part.name == "part"


def test_the_compact_form_gives_back_the_integers_it_was_given():
    motion = standing()
    root, quats = quantise(motion.positions[:, 0], motion.rotations)
    root_m, rotations = dequantise(root, quats)
    assert np.abs(root_m - motion.positions[:, 0]).max() <= 0.5e-4 + 1e-12
    assert np.abs(rotations - motion.rotations).max() < 1e-4
    assert np.abs(rotations @ np.swapaxes(rotations, -1, -2) - np.eye(3)).max() < 1e-12


def test_a_compact_motion_is_read_as_forward_kinematics_of_its_integers(folder):
    motion = standing()
    root, quats = quantise(motion.positions[:, 0], motion.rotations)
    offsets = np.zeros((23, 3))
    for joint, parent in enumerate(XSENS23.parents[1:], start=1):
        offsets[joint] = motion.positions[0, joint] - motion.positions[0, parent]
    write_npz(folder / "clip-0" / "motion.npz", root=root, quats=quats, offsets=offsets)
    write_digests(folder)
    assert np.abs(open_folder(folder).clip("clip-0").reference.motion.positions - motion.positions).max() < 1e-4


def _truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGE = {
    "video-missing": lambda clip: (clip / "video.mp4").unlink(),
    "video-empty": lambda clip: (clip / "video.mp4").write_bytes(b""),
    "video-unreadable": lambda clip: _truncate(clip / "video.mp4"),
    "video-rate": lambda clip: write_video(clip / "video.mp4", np.zeros((5, 16, 16, 3), np.uint8), 10.0),
    "video-frames": lambda clip: write_video(clip / "video.mp4", np.zeros((4, 16, 16, 3), np.uint8), 8.0),
    "video-size": lambda clip: write_video(clip / "video.mp4", np.zeros((5, 32, 16, 3), np.uint8), 8.0),
    "npz-unreadable": lambda clip: _truncate(clip / "motion.npz"),
    "npz-empty": lambda clip: (clip / "motion.npz").write_bytes(b""),
    "motion-frames": lambda clip: write_motion(clip / "motion.npz", standing(frames=8)),
    "motion-nonfinite": lambda clip: write_motion(clip / "motion.npz", _with_nan()),
    "motion-rotation": lambda clip: write_motion(clip / "motion.npz", _mirrored()),
    "motion-units": lambda clip: write_motion(clip / "motion.npz", _in_millimetres()),
}


def _with_nan():
    motion = standing()
    motion.positions[3, 5, 1] = np.nan
    return motion


def _mirrored():
    motion = standing()
    return replace(motion, rotations=motion.rotations * np.array([1, 1, -1])[:, None])


def _in_millimetres():
    motion = standing()
    return replace(motion, positions=motion.positions * 1000)


@pytest.mark.parametrize("code", DAMAGE)
def test_every_kind_of_damage_is_refused_by_its_code(folder, code):
    DAMAGE[code](folder / "clip-0")
    with pytest.raises(BadInputError) as refusal:
        open_folder(folder).clip("clip-0")
    assert refusal.value.code == code
    assert "\n" not in str(refusal.value)
    assert open_folder(folder).clip("clip-1").info.clip_id == "clip-1"


def test_a_text_file_that_calls_itself_a_video_is_refused(folder):
    (folder / "clip-0" / "video.mp4").write_text("not a video at all")
    with pytest.raises(BadInputError, match="readable video"):
        open_folder(folder).clip("clip-0")


def test_unknown_names_are_answered_with_near_ones(folder):
    with pytest.raises(UnknownNameError, match=r"did you mean 'clip-1' or 'clip-0'"):
        open_folder(folder).clip("clip-9")
    with pytest.raises(UnknownNameError, match=r"did you mean 'egomini-test'"):
        open_split("egomini-tset")
    with pytest.raises(BadInputError, match="not a split folder"):
        open_split(folder / "nowhere")


def test_a_newer_schema_is_refused_and_not_guessed_at(folder):
    index = json.loads((folder / "split.json").read_text())
    (folder / "split.json").write_text(json.dumps({**index, "schema": 99}))
    with pytest.raises(BadInputError, match="schema 99"):
        open_folder(folder)


def declaration(path, skeleton="studio23", parents=XSENS23.parents):
    """A skeleton map that declares the joints of xsens23 under names of one's own; three of them get ours."""
    names = [f"My {joint}" for joint in XSENS23.joints]
    ours = [f'"My {joint}" = "{joint}"' for joint in ("head", "left_foot", "right_foot")]
    said = [f'skeleton = "{skeleton}"', f"names = {json.dumps(names)}", f"parents = {json.dumps(list(parents))}"]
    path.write_text("\n".join([*said, "[joints]", *ours]))
    return path


@pytest.fixture
def studio(folder, tmp_path_factory):
    """The split, its skeleton by a name that nobody knows; clips that were digested under it."""
    before = dict(SKELETONS)
    index = json.loads((folder / "split.json").read_text())
    rows = []
    for row in index["clips"]:
        said = {name: row[name] for name in ("text", "sequence", "participant")}
        place = folder / row["clip_id"]
        truth = dict(np.load(place / "truth.npz"))
        body = replace(standing(), skeleton="studio23")
        digest = clip_digest(**said, video=read_video(place / "video.mp4"), motion=body, truth=truth)
        rows.append(ClipInfo(**{**row, "digest": digest}))
    write_index(folder, "toy", replace(FACTS, skeleton="studio23"), rows)
    yield folder
    SKELETONS.clear()
    SKELETONS.update(before)


def test_a_split_gets_a_skeleton_of_ones_own_by_a_map_and_keeps_its_digests(studio, tmp_path, capsys):
    before = json.loads((studio / "split.json").read_text())
    words = ["skeleton", str(studio), "--skeleton-map", str(declaration(tmp_path / "map.toml"))]
    assert dispatch("data", words) == 0
    assert str(studio / "split.json") in capsys.readouterr().out
    after = json.loads((studio / "split.json").read_text())
    assert (after["digest"], after["clips"]) == (before["digest"], before["clips"])
    assert after["facts"]["joints"][6] == "head"
    assert after["facts"]["joints"][0] == "My pelvis"
    del SKELETONS["studio23"]  # another process
    motion = open_split(studio).clip("clip-0").reference.motion
    np.testing.assert_array_equal(motion.positions, standing().positions)
    assert motion.skeleton == "studio23"
    assert verify_split(studio) == []


@pytest.mark.parametrize(
    ("skeleton", "parents", "code"),
    [
        ("another23", XSENS23.parents, "skeleton-name"),
        ("studio23", (-1, *XSENS23.parents[2:], 9), "skeleton-tree"),
    ],
)
def test_a_declaration_that_does_not_fit_a_split_leaves_its_index_alone(studio, tmp_path, skeleton, parents, code):
    before = (studio / "split.json").read_bytes()
    with pytest.raises(BadInputError) as caught:
        dispatch(
            "data",
            ["skeleton", str(studio), "--skeleton-map", str(declaration(tmp_path / "map.toml", skeleton, parents))],
        )
    assert caught.value.code == code
    assert (studio / "split.json").read_bytes() == before


def test_a_declaration_with_another_number_of_joints_leaves_the_index_alone(studio, tmp_path):
    themap = declaration(tmp_path / "map.toml")
    text = themap.read_text().replace('"My left_toe"', '"My left_toe", "My tail"')
    themap.write_text(text.replace("20, 21]", "20, 21, 0]"))
    before = json.loads((studio / "split.json").read_text())
    with pytest.raises(BadInputError, match="23 joints; studio23 has 24"):
        dispatch("data", ["skeleton", str(studio), "--skeleton-map", str(themap)])
    assert json.loads((studio / "split.json").read_text()) == before


def test_ids_that_differ_in_case_alone_are_refused_since_they_share_a_folder_elsewhere(folder):
    index = json.loads((folder / "split.json").read_text())
    shutil.copytree(folder / "clip-0", folder / "Clip-0")
    index["clips"].append({**index["clips"][0], "clip_id": "Clip-0"})
    (folder / "split.json").write_text(json.dumps(index))
    with pytest.raises(BadInputError, match=r"'Clip-0', 'clip-0' differ in case alone") as error:
        open_folder(folder)
    assert error.value.code == "clip-id"
