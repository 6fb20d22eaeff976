"""Which characters `glyphs` is made of, and which version of it this code draws."""

from collections.abc import Mapping, Sequence

VERSION = 2  # raise it whenever a pixel or a class changes

# Unicode blocks of each script. A script is in one split only.
SCRIPTS: Mapping[str, Mapping[str, Sequence[range]]] = {
    "train": {
        "Latin": (range(0x41, 0x2B0), range(0x2C60, 0x2C80), range(0xA722, 0xA78F)),
        "Greek": (range(0x370, 0x400),),
        "Cyrillic": (range(0x400, 0x530),),
        "Canadian": (range(0x1401, 0x1680),),
    },
    "val": {
        "Armenian": (range(0x531, 0x590),),
        "Hebrew": (range(0x5D0, 0x5F0),),
    },
    "test": {
        "Georgian": (range(0x10A0, 0x1100), range(0x2D00, 0x2D30)),
        "Tifinagh": (range(0x2D30, 0x2D80),),
        "NKo": (range(0x7C0, 0x800),),
        "Lao": (range(0xE81, 0xEE0),),
    },
}
