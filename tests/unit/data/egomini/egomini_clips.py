"""Performances that several tests of the embedded world look at: 240 clips of 6 rooms and 24 wearers, made once."""

from functools import cache

import numpy as np

from egobench.data.egomini.acting import perform
from egobench.data.egomini.rooms import make_room
from egobench.data.egomini.scene import Performance, Room, Wearer
from egobench.data.egomini.wearers import make_wearer

CLIPS = 240
FPS = 16.0


@cache
def room(seed: int) -> Room:
    return make_room(seed % 6, world=1)


@cache
def wearer(seed: int) -> Wearer:
    return make_wearer(f"w{seed % 24:02d}", seed % 24)


@cache
def clip(seed: int) -> Performance:
    return perform(room(seed), wearer(seed), np.random.default_rng(seed))
