"""Conformance vectors: the answers are right by other means, right outputs pass and wrong ones fail."""

import json

import numpy as np
import pytest

from egobench.cli.main import main
from egobench.files.arrays import read_npz, write_npz
from egobench.validate.conformance import VECTORS, on_grid


def said(capsys, *arguments, code=0):
    assert main(["conformance", *map(str, arguments)]) == code
    return capsys.readouterr()


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    pytest.importorskip("torch_fidelity", reason="extra 'torch'")
    folder = tmp_path_factory.mktemp("conformance") / "mine"
    assert main(["conformance", "export", str(folder), "--with-answers"]) == 0
    return folder


@pytest.fixture
def spoilt(answered, tmp_path):
    """Copies the outputs with some arrays changed."""

    def make(**changes):
        outputs = {**read_npz(answered / "outputs.npz"), **changes}
        write_npz(tmp_path / "outputs.npz", **{name: array for name, array in outputs.items() if array is not None})
        return tmp_path

    return make


def test_the_shipped_answers_are_made_again_from_their_seed():
    pytest.importorskip("torch_fidelity", reason="extra 'torch'")
    pytest.importorskip("mpmath")
    from egobench.validate.make_vectors import make_vectors

    shipped, made = read_npz(VECTORS), make_vectors()
    assert shipped.keys() == made.keys()
    for name, array in shipped.items():
        tolerance = 1e-5 if array.dtype.kind == "f" else 0
        assert np.abs(array.astype(float) - made[name].astype(float)).max() <= tolerance, name


def test_distances_known_by_hand():
    vectors = read_npz(VECTORS)
    step = vectors["features.shifted.sample"][0] - vectors["features.shifted.reference"][0]
    assert vectors["frechet.shifted"] == np.sum(step**2)
    assert vectors["frechet.identical"] == 0
    assert vectors["frechet.axes"] == 8 / 7
    # Kernel ((x·y)/4 + 1)³ on ±a axes: opposite (1 - a²/4)³, orthogonal 1; a = 2 within, 3 within, ±6/4 between.
    within = sum((1 * (1 - a * a / 4) ** 3 + 6) / 7 for a in (2, 3))
    between = ((1 + 1.5) ** 3 + (1 - 1.5) ** 3 + 6) / 8
    assert vectors["kid.axes"] == pytest.approx(within - 2 * between, rel=1e-14)


def test_the_exact_distance_is_scipy_s():
    linalg = pytest.importorskip("scipy.linalg")
    vectors = read_npz(VECTORS)
    reference, sample = (vectors[f"features.many-rows.{side}"] for side in ("reference", "sample"))
    first, second = np.cov(reference, rowvar=False), np.cov(sample, rowvar=False)
    gap = reference.mean(axis=0) - sample.mean(axis=0)
    distance = gap @ gap + np.trace(first) + np.trace(second) - 2 * np.trace(linalg.sqrtm(first @ second).real)
    assert vectors["frechet.many-rows"] == pytest.approx(distance, rel=1e-9)


def test_the_kernel_distance_is_scikit_learn_s():
    pairwise = pytest.importorskip("sklearn.metrics.pairwise")
    vectors = read_npz(VECTORS)
    x, y = (vectors[f"features.few-rows.{side}"] for side in ("reference", "sample"))
    sums = [pairwise.polynomial_kernel(a, b, degree=3, coef0=1) for a, b in ((x, x), (y, y), (x, y))]
    within = sum((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in sums[:2])
    assert vectors["kid.few-rows"] == pytest.approx(within - 2 * sums[2].mean(), rel=1e-12)


def test_the_example_passes(capsys, answered):
    captured = said(capsys, "check", answered)
    assert captured.out.splitlines()[-1] == "28 pass, 0 fail, 0 absent"


def test_inputs_alone_need_no_torch_and_say_what_to_write(capsys, tmp_path):
    written = json.loads(said(capsys, "export", tmp_path, "--json").out)["written"]
    assert len(written) == 2
    inputs = read_npz(tmp_path / "inputs.npz")
    assert {name.partition(".")[0] for name in inputs} == {"features", "video"}
    assert "frechet.NAME" in (tmp_path / "README.txt").read_text(encoding="utf-8")


def test_one_grey_level_too_much_fails_and_the_largest_difference_is_said(capsys, spoilt, answered):
    tensor = read_npz(answered / "outputs.npz")["inception.tf.large"]
    folder = spoilt(**{"inception.tf.large": tensor + np.float32(1 / 128)})
    captured = said(capsys, "check", folder, code=2)
    assert "fail    inception.tf.large" in captured.out
    assert "largest difference 0.00781" in captured.out
    assert captured.out.splitlines()[-1] == "27 pass, 1 fail, 0 absent"


def test_one_preset_does_not_pass_for_another(capsys, spoilt, answered):
    outputs = read_npz(answered / "outputs.npz")
    folder = spoilt(**{"inception.clean.large": outputs["inception.torchmetrics.large"]})
    assert "fail    inception.clean.large" in said(capsys, "check", folder, code=2).out


def test_a_covariance_with_n_fails(capsys, spoilt):
    vectors = read_npz(VECTORS)
    biased = vectors["frechet.axes"] * 7 / 8
    assert "fail    frechet.axes" in said(capsys, "check", spoilt(**{"frechet.axes": biased}), code=2).out


def test_what_is_absent_is_not_judged(capsys, tmp_path):
    write_npz(tmp_path / "outputs.npz", **{"frechet.identical": np.array(0.0)})
    found = json.loads(said(capsys, "check", tmp_path, "--json").out)
    assert found["counts"] == {"pass": 1, "fail": 0, "absent": 27}


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((3, 299, 299), np.float32), "shape (3, 299, 299), (2, 3, 299, 299) is right"),
        (np.full((2, 3, 299, 299), np.nan), "not all finite"),
        (np.full((2, 3, 299, 299), "x"), "not all finite"),
    ],
)
def test_another_shape_and_no_numbers_fail_with_the_reason(capsys, spoilt, array, reason):
    assert reason in said(capsys, "check", spoilt(**{"inception.tf.small": array}), code=2).out


def test_unreadable_absent_empty_and_misspelt_outputs_are_one_line(capsys, tmp_path):
    assert "no such file" in said(capsys, "check", tmp_path, code=2).err
    (tmp_path / "outputs.npz").write_bytes(b"PK")
    assert "not a readable npz file" in said(capsys, "check", tmp_path, code=2).err
    write_npz(tmp_path / "outputs.npz")
    assert "holds no array" in said(capsys, "check", tmp_path, code=2).err
    write_npz(tmp_path / "outputs.npz", **{"frechet.identicle": np.array(0.0)})
    assert "did you mean 'frechet.identical'" in said(capsys, "check", tmp_path, code=2).err


def test_answers_do_not_overwrite_somebody_s_outputs(capsys, tmp_path):
    (tmp_path / "outputs.npz").write_bytes(b"mine")
    assert "is there already" in said(capsys, "export", tmp_path, "--with-answers", code=2).err
    assert [path.name for path in tmp_path.iterdir()] == ["outputs.npz"]


def test_the_grid_has_both_borders():
    tensor = np.arange(299 * 300).reshape(1, 299, 300)
    kept = on_grid(tensor)
    assert kept.shape == (1, 16, 16)
    assert (kept[0, 0, 0], kept[0, -1, -1]) == (0, tensor[0, -1, -1])
