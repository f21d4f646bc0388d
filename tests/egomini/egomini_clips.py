"""Performances that several tests of the embedded world look at: 240 clips of 6 rooms and 24 wearers, made once."""

from functools import cache

import numpy as np

from egomini.acting.perform import perform
from egomini.wearer.wearers import make_wearer
from egomini.world.rooms import make_room
from egomini.world.scene import Performance, Room, Wearer

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
