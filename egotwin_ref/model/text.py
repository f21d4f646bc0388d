"""Prompts to vectors: a small word encoder that is trained with the model, and T5 for the large presets."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

PADDING, UNKNOWN = 0, 1
"""The first ids, before those of the words. The empty prompt, which guidance compares with, is padding alone."""
WORD = re.compile(r"[a-z0-9]+")


class Prompts(Protocol):
    """Turns prompts into what the network takes."""

    @property
    def vocabulary(self) -> int:
        """Number of ids; 0 where prompts come encoded."""
        ...

    @property
    def words(self) -> tuple[str, ...]:
        """The vocabulary, which is stored with the weights; empty where prompts come encoded."""
        ...

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Ids (B, L_t), or encoder outputs (B, L_t, D_t)."""
        ...


@dataclass(frozen=True)
class Words:
    """A vocabulary. Prompts are lower-cased and split into words, and punctuation is dropped."""

    words: tuple[str, ...]
    """Sorted by falling frequency, ties alphabetically; word i has id i + 2."""
    length: int
    """L_t."""

    @staticmethod
    def of(texts: Iterable[str], length: int) -> "Words":
        """The vocabulary of these texts."""
        counts = Counter(word for text in texts for word in WORD.findall(text.lower()))
        return Words(tuple(sorted(counts, key=lambda word: (-counts[word], word))), length)

    @property
    def vocabulary(self) -> int:
        """Number of ids."""
        return len(self.words) + 2

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Ids (B, L_t), int64, padded at the end.

        Raises:
            ValueError: a text has more words than L_t.
        """
        ids = {word: place + 2 for place, word in enumerate(self.words)}
        rows = torch.full((len(texts), self.length), PADDING)
        for row, text in zip(rows, texts, strict=True):
            numbers = [ids.get(word, UNKNOWN) for word in WORD.findall(text.lower())]
            if len(numbers) > self.length:
                raise ValueError(f"a prompt has at most {self.length} words; this one has {len(numbers)}: {text[:60]}…")
            row[: len(numbers)] = torch.tensor(numbers, dtype=torch.int64)
        return rows


class TextEncoder(nn.Module):
    """Token ids (B, L_t) → (B, L_t, width): embeddings and a small transformer over them.

    Args:
        vocabulary: number of ids.
        width: D_t.
        length: L_t.
    """

    def __init__(self, vocabulary: int, width: int, length: int, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        nn.init.normal_(self.words.weight, std=0.3)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.body(self.words(tokens) + self.places)


class T5:
    """T5's encoder from local folders in transformers' format (CogVideoX: T5-XXL, 226 tokens, 4096 numbers each).

    CogVideoX attends to padding, so there is no mask. Nothing is downloaded.

    Args:
        encoder: folder of the weights (a CogVideoX download's `text_encoder`).
        tokenizer: folder of the tokenizer (its `tokenizer`).
        length: L_t.

    Raises:
        ImportError: transformers is not installed.
    """

    vocabulary = 0
    words: tuple[str, ...] = ()

    def __init__(self, encoder: Path, tokenizer: Path, length: int, device: str = "cpu") -> None:
        from transformers import AutoTokenizer, T5EncoderModel

        self.length, self.device = length, device
        self.tokenizer: Any = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
        loaded: Any = T5EncoderModel.from_pretrained(encoder, local_files_only=True, use_safetensors=True)
        self.encoder = loaded.eval().requires_grad_(False).to(device)

    @torch.no_grad()
    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Encoder outputs (B, L_t, width); longer prompts are cut, as CogVideoX does."""
        encoded = self.tokenizer(
            list(texts), padding="max_length", max_length=self.length, truncation=True, return_tensors="pt"
        )
        return self.encoder(encoded.input_ids.to(self.device)).last_hidden_state
