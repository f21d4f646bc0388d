"""Prompts to ids by hand, the small encoder, and T5 from a folder against transformers' own call."""

import pytest
import torch

from egotwin_ref.model.text import T5, TextEncoder, Words

TEXTS = ["Walk to the red door.", "walk, WALK: then stop!", "Look at the door"]


def test_words_are_ordered_by_how_often_they_occur_and_then_by_name():
    words = Words.of(TEXTS, length=6)
    assert words.words == ("walk", "door", "the", "at", "look", "red", "stop", "then", "to")
    assert words.vocabulary == 11  # and padding, and unknown words


def test_prompts_become_ids_by_hand():
    words = Words.of(TEXTS, length=6)
    found = words.tokens(["Look, the DOOR!", "walk to a window", ""])
    assert found.tolist() == [[6, 4, 3, 0, 0, 0], [2, 10, 1, 1, 0, 0], [0] * 6]
    assert found.dtype == torch.int64


def test_a_prompt_as_long_as_allowed_fits_and_a_longer_one_is_refused():
    words = Words.of(TEXTS, length=6)
    assert words.tokens(["walk " * 6]).tolist() == [[2] * 6]
    with pytest.raises(ValueError, match="at most 6 words; this one has 7: walk walk"):
        words.tokens(["stop", "walk " * 7])


def test_the_encoder_tells_words_and_their_order_apart_and_knows_the_empty_prompt():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = TextEncoder(11, width=16, length=6).eval()
    with torch.no_grad():
        one, turned, other, empty = encoder(Words.of(TEXTS, 6).tokens(["red door", "door red", "red stop", ""]))
    assert one.shape == (6, 16)
    assert min(float((one - second).abs().max()) for second in (turned, other, empty)) > 0.01
    assert bool(empty.isfinite().all())


@pytest.fixture
def folder(tmp_path):
    """A T5 of random weights with a tokenizer of words, in transformers' format."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2, "walk": 3, "stop": 4}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    fast.save_pretrained(tmp_path)
    config = T5Config(vocab_size=5, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        T5EncoderModel(config).save_pretrained(tmp_path)
    return tmp_path


def test_t5_pads_to_its_length_cuts_what_is_longer_and_attends_to_padding(folder):
    encoder = T5(folder, folder, length=4)
    found = encoder.tokens(["walk stop", "walk stop walk stop walk", ""])
    ids = torch.tensor([[3, 4, 0, 0], [3, 4, 3, 4], [0, 0, 0, 0]])
    with torch.no_grad():
        right = encoder.encoder(ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    assert found.shape == (3, 4, 16)
    torch.testing.assert_close(found, right)
