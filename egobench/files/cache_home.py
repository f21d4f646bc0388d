"""The folder of the cache, which may be deleted at any time, since its content is made again."""

import os
from pathlib import Path

import platformdirs

ENVIRONMENT = "EGOBENCH_CACHE"


def cache_home() -> Path:
    """`$EGOBENCH_CACHE`, else the user's cache folder."""
    return Path(os.environ.get(ENVIRONMENT) or platformdirs.user_cache_dir("egobench"))
