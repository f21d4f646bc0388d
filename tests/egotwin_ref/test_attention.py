"""The three ways to attend: the definition against a softmax by hand, the fast ones against the definition."""

from dataclasses import replace

import pytest
import torch

from egotwin_ref.model.attention import Flex, Masked, Split
from egotwin_ref.model.configs import PRESETS, VARIANTS
from egotwin_ref.model.mask import joint_mask

LENGTHS = {"text": 5, "motion": 7, "video": 16}


def heads(count: int = 28, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [2 * torch.randn(2, 2, count, 16, generator=generator) for _ in range(3)]


def test_the_definition_is_a_softmax_over_the_keys_that_are_seen(tiny):
    q, k, v = heads()
    mask = joint_mask(tiny, VARIANTS["egotwin"])
    found = Masked(tiny, VARIANTS["egotwin"])(q, k, v, LENGTHS)
    query = 12 + 4 * 2 + 1  # a token of O^2: it sees text, A^1 and all video
    seen = [0, 1, 2, 3, 4, 5 + 3, 5 + 4, *range(12, 28)]
    assert mask is not None
    assert mask[query].nonzero().flatten().tolist() == seen
    weights = (q[0, 0, query] @ k[0, 0, seen].T / 4).softmax(0)
    torch.testing.assert_close(found[0, 0, query], weights @ v[0, 0, seen])


@pytest.mark.parametrize("attention", [Flex, Split])
@pytest.mark.parametrize("variant", ["egotwin", "wo-im", "vidmld"])
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_the_fast_ways_agree_with_the_definition(tiny, attention, variant):
    row = VARIANTS[variant]
    lengths = LENGTHS if row.tokens == "conv" else LENGTHS | {"motion": 2}
    q, k, v = heads(sum(lengths.values()))
    right = Masked(tiny, row)(q, k, v, lengths)
    torch.testing.assert_close(attention(tiny, row)(q, k, v, lengths), right, atol=1e-5, rtol=0)


@pytest.mark.parametrize("attention", [Flex, Split])
@pytest.mark.parametrize("missing", ["motion", "video"])
def test_where_a_modality_is_missing_everything_sees_everything(tiny, attention, missing):
    lengths = {name: count for name, count in LENGTHS.items() if name != missing}
    q, k, v = heads(sum(lengths.values()))
    right = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(attention(tiny, VARIANTS["egotwin"])(q, k, v, lengths), right, atol=1e-5, rtol=0)


@pytest.mark.parametrize("attention", [Flex, Split])
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_a_whole_network_answers_the_same_whichever_way_it_attends(network, inputs, attention):
    right, other = network("egotwin"), network("egotwin", attention)
    with torch.no_grad():
        found, expected = other(**inputs(other)), right(**inputs(right))
    torch.testing.assert_close(found.video, expected.video, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.motion, expected.motion, atol=1e-5, rtol=0)
    assert other.state_dict().keys() == right.state_dict().keys()


def test_split_attention_is_refused_in_training(network, inputs):
    model = network("egotwin", Split)
    with pytest.raises(RuntimeError, match="train with Masked or Flex"):
        model(**inputs(model))


def test_blocks_of_long_sequences_are_full_but_for_those_that_hold_motion():
    config = replace(PRESETS["cogvideox-5b"].network, latent_frames=5, latent_size=(20, 20))  # N = 226 + 9 + 500
    blocks = Flex(config, VARIANTS["egotwin"]).blocks("cpu")
    rows = -(-735 // 128)  # row 1 holds text, motion and video; the last one ends inside a block
    full = blocks.full_kv_num_blocks[0, 0].tolist()
    assert len(full) == rows
    assert [count for row, count in enumerate(full[:-1]) if row != 1] == [rows - 1] + [rows - 2] * (rows - 3)
