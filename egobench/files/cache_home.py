"""Where the cache is. It may be deleted at any time, since its content is made again."""

import hashlib
import os
from pathlib import Path

import platformdirs

ENVIRONMENT = "EGOBENCH_CACHE"


def cache_place() -> str:
    """`$EGOBENCH_CACHE`, a path or a URL of fsspec, else the user's cache folder."""
    return os.environ.get(ENVIRONMENT) or platformdirs.user_cache_dir("egobench")


def cache_home() -> Path:
    """The cache's folder on this machine; of a cache under a URL, the user's cache folder."""
    place = cache_place()
    return Path(platformdirs.user_cache_dir("egobench") if "://" in place else place)


def mirror_of(url: str) -> Path:
    """Folder on this machine for copies of what lies under a URL."""
    return cache_home() / "mirrors" / hashlib.sha256(url.encode()).hexdigest()[:16]
