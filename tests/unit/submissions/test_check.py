"""The linter on what is right: the example, every other spelling of it, and the controls; and how it says things."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from broken import CLIP, MIRROR, as_pictures, npy, toml, wxyz
from motion_bodies import dancing
from pipeline_toys import FACTS, make_split
from scipy.spatial.transform import Rotation
from smpl_bodies import body_arrays, poses

from egobench.cli.main import main
from egobench.cli.quiet import take_quiet
from egobench.data.content import write_digests
from egobench.data.folder import INDEX
from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.files.arrays import read_npz, write_npz
from egobench.files.motion import write_motion
from egobench.files.time_limit import time_limit
from egobench.files.video import read_video, write_video
from egobench.geometry.skeleton import HUMANML3D22, SMPL24
from egobench.motions.humanml3d import encode
from egobench.plan.resolve import resolve_model
from egobench.submissions.check import check_submission
from egobench.submissions.example import write_example
from egobench.submissions.model import Submission
from egobench.submissions.report import show


def check(folder, split, **options):
    return check_submission(folder, open_split(split), str(split), open_split, in_processes=False, **options)


def sample_of(folder, split, clip=CLIP, seed=0, **options):
    return Submission(folder, **options).load("cpu").sample(open_split(split).clip(clip).condition, seed=seed)


def test_the_example_has_no_finding_and_holds_the_reference_bit_by_bit(toy_split, tmp_path):
    folder = write_example(tmp_path / "x", open_split(toy_split))
    report = check(folder, toy_split)
    assert report.findings == ()
    assert (report.expected, report.missing) == (4, 0)
    for info in open_split(toy_split).infos():
        reference = open_split(toy_split).clip(info.clip_id).reference
        sample = sample_of(folder, toy_split, info.clip_id)
        np.testing.assert_array_equal(sample.video.frames, reference.video.frames)
        np.testing.assert_array_equal(sample.motion.positions, reference.motion.positions)
        np.testing.assert_array_equal(sample.motion.rotations, reference.motion.rotations)


def test_an_archive_unpacked_with_its_own_folder_is_pointed_into(submission, toy_split, tmp_path):
    shutil.copytree(submission, tmp_path / "download" / "mine")
    (found,) = check(tmp_path / "download", toy_split).findings
    assert (found.code, found.fix) == (
        "toml-missing",
        f"give the folder {tmp_path / 'download' / 'mine'}, which has one",
    )


def test_an_example_is_not_written_over_anything(valid, toy_split):
    with pytest.raises(BadInputError, match="not empty"):
        write_example(valid, open_split(toy_split))


@pytest.mark.parametrize("name", ["reference", "shuffled", "static", "noise"])
def test_no_control_is_refused(name, tmp_path):
    toy_split = make_split(tmp_path / "split", sequences=5, windows=1)
    split = open_split(toy_split)
    folder = write_example(tmp_path / "x", split)
    sampler = resolve_model(name).load("cpu")
    for info in split.infos():
        sample = sampler.sample(split.clip(info.clip_id).condition, seed=0)
        write_video(folder / info.clip_id / "video.mp4", sample.video.frames, sample.video.fps)
        write_motion(folder / info.clip_id / "motion.npz", sample.motion)
    assert check(folder, toy_split).errors == ()


def test_pictures_quaternions_single_precision_and_big_endian_numbers_are_as_good(submission, toy_split):
    expected = sample_of(submission, toy_split)
    as_pictures(submission)
    path = submission / CLIP / "motion.npz"
    arrays = read_npz(path)
    write_npz(path, positions=arrays["positions"].astype(">f8"), rotations=wxyz(arrays["rotations"]))
    assert check(submission, toy_split).findings == ()
    found = sample_of(submission, toy_split)
    np.testing.assert_array_equal(found.video.frames, expected.video.frames)
    np.testing.assert_array_equal(found.motion.positions, expected.motion.positions)
    np.testing.assert_allclose(found.motion.rotations, expected.motion.rotations, atol=1e-14)
    write_npz(path, **{name: array.astype(np.float32) for name, array in arrays.items()})
    assert check(submission, toy_split).findings == ()


@pytest.mark.parametrize(("container", "codec"), [("matroska", "libx264"), ("avi", "mpeg4"), ("mov", "libx264")])
def test_other_codecs_and_containers_are_read(submission, toy_split, container, codec):
    import av

    frames = read_video(submission / CLIP / "video.mp4").frames
    with av.open(str(submission / CLIP / "video.mp4"), "w", format=container) as out:
        stream = out.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for pixels in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode())
    assert check(submission, toy_split).findings == ()


def test_equal_pixels_and_poses_in_different_files_are_a_copy_too(submission, toy_split):
    theirs = next(path for path in sorted(submission.iterdir()) if path.is_dir() and path.name != CLIP)
    shutil.copy(theirs / "video.mp4", submission / CLIP / "video.mp4")
    as_pictures(submission)
    arrays = read_npz(theirs / "motion.npz")
    np.savez(submission / CLIP / "motion.npz", **arrays)
    assert (submission / CLIP / "motion.npz").read_bytes() != (theirs / "motion.npz").read_bytes()
    found = [each for each in check(submission, toy_split).findings if each.code == "content-duplicate"]
    assert sorted(each.found for each in found) == [
        f"its motion is that of {min(CLIP, theirs.name)}, sample 0: another file, the same poses",
        f"its video is that of {min(CLIP, theirs.name)}, sample 0: another file, the same pixels",
    ]


def test_several_seeds_lie_in_folders_of_their_names(toy_split, tmp_path):
    folder = write_example(tmp_path / "x", open_split(toy_split), seeds=2)
    assert {each.code for each in check(folder, toy_split).findings} == {"content-duplicate"}
    toml("seeds = 2", "seeds = [42, 7]")(folder)
    for clip in (path for path in folder.iterdir() if path.is_dir()):
        (clip / "0").rename(clip / "7")
        (clip / "1").rename(clip / "42")
    report = check(folder, toy_split)
    assert not report.errors
    assert report.expected == 8
    (folder / CLIP / "42" / "video.mp4").write_bytes(b"")
    assert sample_of(folder, toy_split, seed=0).video is not None
    with pytest.raises(BadInputError) as caught:
        sample_of(folder, toy_split, seed=1)
    assert caught.value.code == "video-empty"


def test_a_model_of_motion_alone_says_so_and_needs_no_video(submission, toy_split):
    for path in submission.glob("*/video.mp4"):
        path.unlink()
    assert {each.code for each in check(submission, toy_split).errors} == {"video-missing"}
    toml('["video", "motion"]', '["motion"]')(submission)
    assert check(submission, toy_split).findings == ()
    assert sample_of(submission, toy_split).video is None


def test_missing_samples_are_warnings_as_far_as_they_are_allowed(submission, toy_split):
    shutil.rmtree(submission / "toy-00")
    shutil.rmtree(submission / CLIP)
    assert len(check(submission, toy_split, allowed_missing=1).errors) == 2
    report = check(submission, toy_split, allowed_missing=2)
    assert (len(report.errors), len(report.warnings), report.missing) == (0, 2, 2)


def other_split(path, skeleton, fps, motions):
    """The toy split on another skeleton; its motions by clip."""
    split = make_split(path, sequences=1)
    index = json.loads((split / INDEX).read_text())
    index["facts"] |= {"skeleton": skeleton.name, "fps_motion": fps}
    (split / INDEX).write_text(json.dumps(index))
    for clip, motion in motions.items():
        write_motion(split / clip / "motion.npz", motion)
    write_digests(split)
    return split


def test_humanml3d_vectors_are_scored_on_a_split_of_their_skeleton(tmp_path):
    body = dancing(HUMANML3D22, frames=18, fps=20.0)
    vectors = encode(body).astype(np.float32)
    cut = type(body)(body.positions[:17], body.rotations[:17], 20.0, body.skeleton)
    split = other_split(tmp_path / "split", HUMANML3D22, 20.0, {"toy-00": cut, "toy-01": cut})
    folder = write_example(tmp_path / "x", open_split(split))
    (folder / CLIP / "motion.npz").unlink()
    np.save(folder / CLIP / "motion.npy", vectors)
    assert check(folder, split).findings == ()
    motion = sample_of(folder, split).motion
    bones = np.linalg.norm(motion.positions[:, 3] - motion.positions[:, 0], axis=-1)
    np.testing.assert_allclose(bones, np.linalg.norm(cut.positions[:, 3] - cut.positions[:, 0], axis=-1), atol=1e-5)
    np.save(folder / CLIP / "motion.npy", vectors * 100)
    assert [each.code for each in check(folder, split).errors] == ["motion-units"]
    (folder / CLIP / "motion.npy").write_bytes(npy(np.array([{}], dtype=object)))
    assert [each.code for each in check(folder, split).errors] == ["npz-dtype"]


def test_smpl_parameters_are_scored_with_the_users_body_model_and_without_torch(tmp_path):
    body = dancing(SMPL24, frames=17, fps=16.0)
    split = other_split(tmp_path / "split", SMPL24, 16.0, {"toy-00": body, "toy-01": body})
    folder = write_example(tmp_path / "x", open_split(split))
    model = tmp_path / "body.npz"
    np.savez(model, **body_arrays(joints=24))
    parameters = {"poses": poses(frames=17, joints=24), "trans": np.zeros((17, 3)), "betas": np.zeros(3)}
    write_npz(folder / CLIP / "motion.npz", **parameters)
    assert [each.code for each in check(folder, split).errors] == ["body-model-missing"]
    assert check(folder, split, body_model=model).errors == ()
    assert sample_of(folder, split, body_model=model).motion.skeleton == "smpl24"
    write_npz(folder / CLIP / "motion.npz", **{**parameters, "mocap_framerate": np.array(30.0)})
    assert [each.code for each in check(folder, split, body_model=model).errors] == ["motion-rate"]
    write_npz(folder / CLIP / "motion.npz", **{**parameters, "poses": parameters["poses"][:9]})
    assert [each.code for each in check(folder, split, body_model=model).errors] == ["smpl-shape"]


def test_what_is_odd_but_can_be_scored_is_a_warning(submission, toy_split):
    (submission / "notes.txt").write_text("mine")
    (submission / ".DS_Store").write_text("")
    arrays = read_npz(submission / CLIP / "motion.npz")
    arrays["camera"][:, 0, 3] += 1
    np.savez(submission / CLIP / "motion.npz", **arrays, mine=np.array({}, dtype=object))
    shutil.copy(submission / "toy-00" / "video.mp4", submission / CLIP / "video.mp4")
    report = check(submission, toy_split)
    assert not report.errors
    found = sorted(each.code for each in report.warnings)
    assert found == ["camera-head", "content-duplicate", "file-unexpected", "file-unexpected", "npz-extra"]


def test_a_poor_motion_that_no_mistake_explains_is_a_warning_and_scored(submission, toy_split):
    path = submission / CLIP / "motion.npz"
    arrays = read_npz(path)
    turned = Rotation.random(17 * 23, rng=np.random.default_rng(0)).as_matrix().reshape(17, 23, 3, 3)
    write_npz(path, positions=arrays["positions"], rotations=turned)
    report = check(submission, toy_split)
    assert ([each.code for each in report.warnings], report.errors) == (["motion-rotation-fit"], ())


def test_a_folder_that_is_none_an_archive_and_one_of_other_things(tmp_path, toy_split, submission):
    (tmp_path / "x.zip").write_bytes(b"PK")
    for folder, code in ((tmp_path / "x.zip", "folder-archive"), (tmp_path / "no", "folder-missing")):
        report = check(folder, toy_split)
        assert [each.code for each in report.errors] == [code]
        assert report.missing == report.expected == 4
    many = submission / CLIP / "video"
    many.mkdir()
    for number in range(1200):
        (many / f"{number}.txt").touch()
    assert "too-many-files" in {each.code for each in check(submission, toy_split).errors}


def test_the_digest_is_of_the_samples_and_not_of_places_or_notes(submission, valid, toy_split):
    before = check(valid, toy_split).digest
    toml('notes = "what', 'notes = "other')(submission)
    assert check(submission, toy_split).digest == before
    arrays = read_npz(submission / CLIP / "motion.npz")
    write_npz(submission / CLIP / "motion.npz", **{**arrays, "positions": arrays["positions"] + 1e-9})
    assert check(submission, toy_split).digest != before


def test_the_verb_writes_an_example_and_checks_it(toy_split, tmp_path, capsys):
    folder = tmp_path / "x"
    assert main(["check", "--example", str(folder), "--split", str(toy_split), "--quiet"]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    words = ["check", str(folder), "--split", str(toy_split)]
    assert main(words) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{folder}: 4 of 4 samples, ready to be scored on toy; 0 warnings\n"
    assert "check: 4/4" in captured.err
    (folder / CLIP / "video.mp4").unlink()
    (folder / "spare.txt").touch()
    assert main([*words, "--quiet"]) == 2
    captured = capsys.readouterr()
    assert (captured.out.count("\n"), captured.err) == (3, "")  # an error, a warning, the sum
    assert captured.out.startswith(f"error video-missing: {CLIP}: no video; right: ")
    assert main([*words, "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["errors"], found["warnings"]) == (False, 1, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no folder was given"),
        (["x"], "does not say; give --split"),
        (["x", "--example", "y"], "one of them is needed"),
        (["x", "--split", "egomini-smoke", "--workers", "0"], "from 1 are needed"),
        (["x", "--split", "egomini-smok"], "did you mean 'egomini-smoke'"),
    ],
)
def test_wrong_words_are_one_line(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["check", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert (captured.err.count("\n"), captured.out) == (1, "")


def test_checking_needs_neither_torch_nor_numba(valid, toy_split):
    folder, split = str(valid), str(toy_split)
    probe = (
        "import sys\nfrom egobench.data.open import open_split\n"
        "from egobench.submissions.check import check_submission\n"
        f"assert not check_submission({folder!r}, open_split({split!r}), {split!r}, open_split, "
        "in_processes=False).errors\n"
        "found = {'torch', 'numba', 'smplx', 'pyarrow'} & set(sys.modules)\nassert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_file_that_takes_too_much_memory_or_time_is_refused():
    probe = (
        "import numpy as np\nfrom egobench.submissions.check import bound_memory\nbound_memory(2**26)\n"
        "try:\n    np.ones(2**27)\nexcept MemoryError:\n    print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.stdout == "refused\n", done.stderr
    with pytest.raises(TimeoutError, match=r"0\.01 s"):
        _stay(0.01)


def _stay(seconds):
    with time_limit(seconds):
        while True:
            pass


def test_names_are_shown_so_that_no_terminal_can_be_led_astray():
    assert show("a\x1b[31m\u202eb\udcff") == r"a\u001b[31m\u202eb\xff"
    assert np.linalg.det(MIRROR) == -1  # a guard of the ways to break things
    assert FACTS.num_video_frames == 9


def test_odd_captions_of_a_split_are_notes_of_check_score_and_data_verify(tmp_path, monkeypatch, capsys):
    split = make_split(tmp_path / "split", sequences=2, windows=1)
    index = json.loads((split / INDEX).read_text())
    index["clips"][0]["text"], index["clips"][1]["text"] = "", "word " * 400
    (split / INDEX).write_text(json.dumps(index))
    write_digests(split)
    folder = write_example(tmp_path / "x", open_split(split))
    monkeypatch.setattr("egobench.cli.outcome.print_report", lambda run, as_json: 0)
    take_quiet([])  # an earlier test may have said --quiet
    for words in (
        ["check", str(folder), "--split", str(split)],
        ["score", str(folder), "--split", str(split), "--metrics", "pipeline_toys:Speed"],
        ["data", "verify", str(split)],
    ):
        assert main(words) == 0, words
        said = capsys.readouterr().err
        assert said.count("1 of 2 captions has no text (toy-00)") == 1, words
        assert said.count("1 of 2 captions has more than 60 words, up to 400 (toy-01)") == 1, words
    main(["data", "verify", str(split), "--json"])
    assert len(json.loads(capsys.readouterr().out)["warnings"]) == 2
