"""Words → token numbers, for every extractor fitted on captions: CLIP's byte pairs, the first 3,000 merges.

The vocabulary is a shortened copy of open_clip's (MIT licence). It tokenises any text, and its embedding has few rows.
"""

from pathlib import Path
from typing import Any

VOCABULARY = Path(__file__).parent / "weights" / "egomini-clip.bpe.txt.gz"
"""The merges; `egomini-clip` and `motion-text` both use them."""


def build_tokenizer(length: int) -> Any:
    """open_clip's tokenizer, in lower case. A list of texts gives int64 (text, `length`). Longer texts are cut."""
    import open_clip

    return open_clip.tokenizer.SimpleTokenizer(str(VOCABULARY), context_length=length)  # pyright: ignore
