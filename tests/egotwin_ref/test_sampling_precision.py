"""float32 is the precision of record; a faster one is a setting of its own, and is refused where it does not exist."""

import numpy as np
import pytest
import torch

from egobench import BadInputError, open_split
from egobench.plan.plan import model_settings
from egotwin_ref.adapters.model import EgoTwinModel
from egotwin_ref.adapters.precision import products
from egotwin_ref.training.precision import fast_dtype


def test_a_precision_that_the_device_does_not_have_is_refused(monkeypatch):
    with pytest.raises(BadInputError, match="tf32 is one of GPUs; cpu has float32"):
        EgoTwinModel(precision="tf32").load("cpu")
    monkeypatch.setattr("egotwin_ref.training.precision.fast_dtype", lambda device: None)
    with pytest.raises(BadInputError, match="cpu has no bfloat16 of its own"):
        EgoTwinModel(precision="bf16").load("cpu")


def test_it_is_a_setting_of_the_run():
    assert model_settings(EgoTwinModel())["precision"] == "float32"
    assert model_settings(EgoTwinModel(precision="bf16")) != model_settings(EgoTwinModel())


@pytest.mark.parametrize(("precision", "inside"), [("float32", "ieee"), ("tf32", "tf32"), ("bf16", "ieee")])
def test_products_on_a_gpu_have_tf32_only_where_it_is_asked_for_and_settings_are_restored(precision, inside):
    places = [torch.backends.cuda.matmul, torch.backends.cudnn.conv]
    before = [place.fp32_precision for place in places]
    with products(precision):
        assert [place.fp32_precision for place in places] == [inside, inside]
    assert [place.fp32_precision for place in places] == before


@pytest.mark.skipif(fast_dtype("cpu") is None, reason="this processor has no bfloat16")
def test_bfloat16_gives_nearly_the_same_sample():
    split = open_split("egomini-smoke")
    condition = split.clip(split.infos()[0].clip_id).condition
    exact, fast = (
        EgoTwinModel(steps=4, precision=precision).load("cpu").sample(condition, seed=0)
        for precision in ("float32", "bf16")
    )
    apart = np.abs(exact.motion.positions - fast.motion.positions).max()
    assert 0 < apart < 0.05
    assert np.abs(exact.video.frames.astype(int) - fast.video.frames).mean() < 2
