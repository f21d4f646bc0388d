"""The Python door: the same numbers as the command line, objects in place of print, errors in place of exit codes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from pipeline_toys import METRICS

import egobench
from egobench import Motion, Sample, Video, api, open_split
from egobench.cli.main import main
from egobench.compare.records import comparison_record
from egobench.errors import BadInputError, IncompleteRunError, UnknownNameError
from egobench.submissions.example import write_example


@pytest.fixture(scope="module")
def samples(toy_split):
    """Clip → a sample that is not the truth: the video runs backwards after its first frame, the body drifts."""
    split, found = open_split(str(toy_split)), {}
    for info in split.infos():
        truth = split.clip(info.clip_id).reference
        frames = np.concatenate([truth.video.frames[:1], truth.video.frames[:0:-1]])
        positions = truth.motion.positions + np.linspace(0, 0.1, len(truth.motion.positions))[:, None, None]
        found[info.clip_id] = Sample(
            Video(frames, truth.video.fps), Motion(positions, truth.motion.rotations, truth.motion.fps)
        )
    return found


def shorter(sample):
    return Sample(Video(sample.video.frames[:-1], sample.video.fps), sample.motion)


def test_a_run_from_python_has_the_bytes_of_one_from_the_command_line(toy_split, tmp_path, capsys):
    report = api.run("pipeline_toys:ToyModel", str(toy_split), metrics=METRICS, draws=20, workers=0, out=tmp_path / "a")
    assert capsys.readouterr() == ("", "")
    words = ["--model", "pipeline_toys:ToyModel", "--split", str(toy_split), "--metrics", METRICS, "--draws", "20"]
    assert main(["run", *words, "--workers", "0", "--out", str(tmp_path / "b")]) == 0
    (other,) = (tmp_path / "b").iterdir()
    assert (report.path / "metrics.json").read_bytes() == (other / "metrics.json").read_bytes()
    first, second = (json.loads((run / "manifest.json").read_text()) for run in (report.path, other))
    assert first["identity"] == second["identity"]
    assert {**first["request"], "typed": [], "out": ""} == {**second["request"], "typed": [], "out": ""}


def test_settings_of_a_model_may_be_numbers(toy_split, tmp_path):
    asked = {"metrics": "pipeline_toys:Speed", "workers": 0, "limit": 2, "draws": 0, "out": tmp_path}
    report = api.run("pipeline_toys:ToyModel", str(toy_split), model_options={"sleep": 0.0}, **asked)
    assert api.open_run(report.path).manifest["request"]["model_options"] == {"sleep": "0.0"}


def test_an_option_that_is_misspelt_is_suggested(toy_split):
    with pytest.raises(UnknownNameError, match="did you mean 'metrics'"):
        api.run("static", str(toy_split), metric="jerk")


def test_a_finished_run_is_opened_with_its_tables_and_samples(toy_runs):
    opened = api.open_run(toy_runs["whole"])
    stored = json.loads((toy_runs["whole"] / "metrics.json").read_text())
    assert {name: result.value for name, result in opened.results.items()} == {
        name: record["value"] for name, record in stored["metrics"].items()
    }
    assert opened.scores.num_rows == len(opened.scores.to_pylist())
    assert set(opened.scores["metric"].to_pylist()) == set(opened.results)
    sample = opened.sample("toy-03")
    assert sample.video.frames.shape == (9, 16, 32, 3)
    assert sample.motion.positions.shape[1:] == (23, 3)
    with pytest.raises(BadInputError, match="no sample of toy-03 with seed 7"):
        opened.sample("toy-03", 7)


def test_a_sample_that_was_edited_is_not_handed_out(toy_runs, tmp_path):
    import shutil

    copy = shutil.copytree(toy_runs["whole"], tmp_path / "copy")
    with (copy / "samples/toy-00/0/video.mp4").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BadInputError, match="has changed since it was written"):
        api.open_run(copy).sample("toy-00")


def test_samples_in_memory_have_the_numbers_of_the_same_samples_in_a_folder(toy_split, samples, tmp_path):
    asked = {"metrics": METRICS, "draws": 50, "workers": 0}
    kept = tmp_path / "runs"
    found = api.evaluate(samples, str(toy_split), out=kept, **asked)
    folder = write_example(tmp_path / "mine", open_split(str(toy_split)), model="samples")
    (run,) = kept.iterdir()
    for clip_id in samples:  # the same content: the example's files are replaced by the run's own lossless ones
        for name in ("video.mp4", "motion.npz"):
            (folder / clip_id / name).write_bytes((run / "samples" / clip_id / "0" / name).read_bytes())
    assert found == api.score(folder, str(toy_split), out=tmp_path / "scored", **asked).results
    assert found == api.evaluate(list(samples.values()), str(toy_split), **asked)
    assert found != api.open_run(run).report  # a mapping of results, not the report


def test_arrays_stand_for_samples_at_the_splits_rates(toy_split, samples):
    asked = {"metrics": METRICS, "draws": 0}
    arrays = {
        clip: {"frames": s.video.frames, "positions": s.motion.positions, "rotations": s.motion.rotations}
        for clip, s in samples.items()
    }
    assert api.evaluate(arrays, str(toy_split), **asked) == api.evaluate(samples, str(toy_split), **asked)
    frames = {clip: sample.video.frames for clip, sample in samples.items()}
    found = api.evaluate(frames, str(toy_split), metrics="pipeline_toys:MeanColour", draws=0)
    assert found["toy-colour"].n == len(samples)


def test_several_samples_of_a_clip_are_its_seeds(toy_split, samples):
    found = api.evaluate({k: [v, v] for k, v in samples.items()}, str(toy_split), metrics="pipeline_toys:Speed")
    assert found["toy-speed"].n == 2 * len(samples)


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (lambda given: {"toy-99": given["toy-00"]}, UnknownNameError, "toy-99"),
        (lambda given: [given["toy-00"]], BadInputError, "1 samples; the split has 8 clips"),
        (lambda given: given | {"toy-00": [given["toy-00"]] * 2}, BadInputError, "1 and 2 samples"),
        (lambda given: given | {"toy-00": {"frame": 1}}, BadInputError, "toy-00: frame; frames, or"),
        (lambda given: given | {"toy-00": np.zeros((9, 16, 32, 3))}, BadInputError, "float64 .9, 16, 32, 3.; uint8"),
        (lambda given: given | {"toy-00": shorter(given["toy-00"])}, BadInputError, "^error video-frames: toy-00"),
        (lambda given: {k: v for k, v in given.items() if k != "toy-05"}, BadInputError, "clip-missing"),
    ],
)
def test_what_cannot_be_scored_is_one_line(toy_split, samples, spoil, error, said):
    with pytest.raises(error, match=said):
        api.evaluate(spoil(samples), str(toy_split), metrics="pipeline_toys:Speed", draws=0)


def test_a_name_with_signs_of_toml_is_refused_by_what_a_name_may_be(toy_split, samples):
    with pytest.raises(BadInputError, match=r'model is .my "best".*a name of 1 to 80 letters'):
        api.evaluate(samples, str(toy_split), metrics="pipeline_toys:Speed", draws=0, name='my "best"')


def test_clips_may_be_missing_where_that_is_allowed(toy_split, samples):
    fewer = {clip: sample for clip, sample in samples.items() if clip != "toy-05"}
    found = api.evaluate(fewer, str(toy_split), metrics="pipeline_toys:Speed", draws=0, allow_failed=1)
    assert (found["toy-speed"].n, found["toy-speed"].coverage) == (7, 7 / 8)


def test_a_sample_that_a_metric_fails_on_is_an_error_that_names_no_folder_that_is_gone(toy_split, samples):
    with pytest.raises(IncompleteRunError, match=r"of 8 .*no joint 24.*out=FOLDER") as caught:
        api.evaluate(samples, str(toy_split), metrics="pipeline_toys:Raising", draws=0)
    assert "egobench-" not in str(caught.value)


def test_two_runs_are_compared_as_the_verb_compares_them(toy_runs, capsys):
    found = api.compare(toy_runs["reference"], toy_runs["whole"], draws=100)
    assert main(["compare", str(toy_runs["reference"]), str(toy_runs["whole"]), "--draws", "100", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert record == json.loads(json.dumps(comparison_record(found)))


def test_importing_the_suite_does_not_import_the_door():
    code = "import sys, egobench; assert 'egobench.api' not in sys.modules; egobench.api.run; from egobench import api"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert egobench.api is api
