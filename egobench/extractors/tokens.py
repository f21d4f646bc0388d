"""Words → token numbers, for every extractor fitted on captions: CLIP's byte pairs, the first 3,000 merges.

The vocabulary is open_clip's (MIT licence), cut: any text is tokenised, in few rows of an embedding.
"""

from pathlib import Path
from typing import Any

VOCABULARY = Path(__file__).parent / "weights" / "egomini-clip.bpe.txt.gz"
"""The merges; shared by `egomini-clip` and `motion-text`."""


def build_tokenizer(length: int) -> Any:
    """open_clip's tokenizer, in lower case; a list of texts gives int64 (text, `length`), longer texts are cut."""
    import open_clip

    return open_clip.tokenizer.SimpleTokenizer(str(VOCABULARY), context_length=length)  # pyright: ignore
