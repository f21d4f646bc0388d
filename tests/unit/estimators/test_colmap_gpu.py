"""colmap.gpu: which options COLMAP is asked for, with a stand-in for pycolmap, and where it is refused."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scenes import camera

from egobench.errors import BadInputError
from egobench.estimators import colmap
from egobench.estimators.colmap import Colmap, ColmapGpu
from egobench.estimators.colmap_mapping import gpu_flaw, map_video

pytest.importorskip("cv2", reason="extra 'slam'")
FRAMES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


class Options:
    """An object that has every attribute; those that nobody set are options again."""

    def __getattr__(self, name):
        setattr(self, name, Options())
        return getattr(self, name)


class StandIn(Options):
    """Has the calls of pycolmap and keeps what they were asked for; it finds no model."""

    has_cuda = True
    Device = SimpleNamespace(cpu="cpu", cuda="cuda")

    def __getattr__(self, name):
        return Options if name.endswith("Options") else super().__getattr__(name)

    def set_random_seed(self, seed):
        self.seed = seed

    def extract_features(self, database, images, **asked):
        self.extraction = asked

    def match_sequential(self, database, **asked):
        self.matching = asked

    def global_mapping(self, database, images, models, options):
        self.mapper = options.mapper
        return {}


@pytest.fixture
def stand_in(monkeypatch):
    made = StandIn()
    monkeypatch.setitem(sys.modules, "pycolmap", made)
    return made


@pytest.fixture
def with_gpu(monkeypatch):
    monkeypatch.setattr(colmap, "_gpu_flaw", lambda: "")
    monkeypatch.setattr(colmap, "pycolmap_version", lambda: "4.2.1")


@pytest.mark.parametrize(("gpu", "device"), [(None, "cpu"), ("1", "cuda"), ("-1", "cuda")])
def test_features_are_extracted_and_matched_where_it_is_asked(stand_in, gpu, device):
    made = map_video(FRAMES, None, (16.0, 16.0, 16.0, 16.0), 0, gpu)
    assert made["reason"].startswith("no model")
    asked = stand_in.extraction, stand_in.matching
    options = asked[0]["extraction_options"], asked[1]["matching_options"]
    assert [each["device"] for each in asked] == [device, device]
    assert [each.use_gpu for each in options] == [gpu is not None] * 2
    if gpu is not None:
        assert [each.gpu_index for each in options] == [gpu, gpu]
    assert [each.num_threads for each in options] == [1, 1]
    assert stand_in.mapper.global_positioning.use_gpu is False
    assert stand_in.mapper.bundle_adjustment.ceres.use_gpu is False


@pytest.mark.parametrize(("device", "gpu"), [("cuda", "-1"), ("cuda:1", "1"), ("cpu", "-1")])
@pytest.mark.usefixtures("with_gpu")
def test_the_mapper_is_told_the_gpu_of_the_run(device, gpu):
    assert ColmapGpu(hands="").load(device).gpu == gpu
    assert Colmap(hands="").load(device).gpu is None


@pytest.mark.usefixtures("with_gpu")
def test_the_mapper_gets_the_gpu_with_each_video(monkeypatch):
    chain = colmap.Chain(np.tile(np.eye(3), (3, 1, 1)), np.ones(3, bool), 9.0, "")
    monkeypatch.setattr(colmap, "find_rotations", lambda *_: chain)
    loaded, seen = ColmapGpu(hands="").load("cuda:3"), []
    monkeypatch.setattr(loaded.mapper, "call", lambda *asked: seen.append(asked[-1]) or {"reason": "no model"})
    assert loaded.camera(colmap.Video(FRAMES, 8.0), camera(32)).status == "failed"
    assert seen == ["3"]


@pytest.mark.usefixtures("with_gpu")
def test_the_protocol_says_where_features_come_from():
    of_cpu, of_gpu = Colmap(hands="").protocol(), ColmapGpu(hands="").protocol()
    assert of_cpu["mapping"]["features"] == "SIFT, at most 2048 a frame, peak threshold 0.003, one thread"
    assert "extracted and matched by COLMAP's CUDA code" in of_gpu["mapping"]["features"]
    changed = {key for key in of_cpu if of_cpu[key] != of_gpu[key]}
    assert changed == {"estimator", "mapping"}


def test_a_pycolmap_without_cuda_and_a_machine_without_gpu_are_told(stand_in, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert gpu_flaw() == ""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert gpu_flaw() == "there is no GPU here"
    stand_in.has_cuda = False
    assert "pip install pycolmap-cuda12" in gpu_flaw()


@pytest.mark.parametrize(("says", "reason"), [("no_gpu", "there is no GPU here"), ("raises", "cannot say")])
def test_without_a_gpu_it_is_refused_before_the_first_clip(monkeypatch, says, reason):
    monkeypatch.setattr(colmap, "pycolmap_version", lambda: "4.2.1")
    monkeypatch.setattr(colmap, "GPU_FLAW", f"bad_mappers:{says}")
    colmap._gpu_flaw.cache_clear()
    with pytest.raises(BadInputError, match=reason) as refusal:
        ColmapGpu(hands="").protocol()
    colmap._gpu_flaw.cache_clear()
    assert refusal.value.code == "extra-missing"
