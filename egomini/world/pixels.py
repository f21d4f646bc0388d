"""Classes of the pixels of the id buffer."""

from enum import IntEnum


class PixelId(IntEnum):
    """Values of `Rendered.id_buffer`; names are as seen by the wearer."""

    BEYOND = 0
    """Sky, or a box behind the door's opening."""
    WALL = 1
    FLOOR = 2
    CEILING = 3
    THING = 4
    DOOR = 5
    BODY = 6
    """Trunk, legs, shoes."""
    LEFT_ARM = 7
    RIGHT_ARM = 8
    LEFT_HAND = 9
    RIGHT_HAND = 10
    CARRIED = 11
