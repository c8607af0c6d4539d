"""What colour a TIA colour register shows on an NTSC set.

A colour register holds hue in D7-D4 and luminance in D3-D1 (Stella Programmer's Guide, "Color and luminosity"). What
that looks like depends on the set; these are the RGB values that ale-py 0.12.1 shows, read from its `getScreenRGB` by a
cartridge that puts every register value on a line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# One hue a row, luminance rising
_RGB = """
    000000 4A4A4A 6F6F6F 8E8E8E AAAAAA C0C0C0 D6D6D6 ECECEC
    484800 69690F 86861D A2A22A BBBB35 D2D240 E8E84A FCFC54
    7C2C00 904811 A26221 B47A30 C3903D D2A44A DFB755 ECC860
    901C00 A33915 B55328 C66C3A D5824A E39759 F0AA67 FCBC74
    940000 A71A1A B83232 C84848 D65C5C E46F6F F08080 FC9090
    840064 97197A A8308F B846A2 C659B3 D46CC3 E07CD2 EC8CE0
    500084 68199A 7D30AD 9246C0 A459D0 B56CE0 C57CEE D48CFC
    140090 331AA3 4E32B5 6848C6 7F5CD5 956FE3 A980F0 BC90FC
    000094 181AA7 2D32B8 4248C8 545CD6 656FE4 7580F0 8490FC
    001C88 183B9D 2D57B0 4272C2 548AD2 65A0E1 75B5EF 84C8FC
    003064 185080 2D6D98 4288B0 54A0C5 65B7D9 75CCEB 84E0FC
    004030 18624E 2D8169 429E82 54B899 65D1AE 75E7C2 84FCD4
    004400 1A661A 328432 48A048 5CBA5C 6FD26F 80E880 90FC90
    143C00 355F18 527E2D 6E9C42 87B754 9ED065 B4E775 C8FC84
    303800 505916 6D762B 88923E A0AB4F B7C25F CCD86E E0EC7C
    482C00 694D14 866A26 A28638 BB9F47 D2B656 E8CC63 FCE070
"""


def _table() -> NDArray[np.uint8]:
    colors = np.array([list(bytes.fromhex(color)) for color in _RGB.split()], np.uint8)
    table = np.repeat(colors, 2, axis=0)  # D0 is not connected
    table.setflags(write=False)
    return table


# (256, 3) uint8, red green blue by register value: `NTSC[frame["screen"]]` is (210, 160, 3)
NTSC = _table()
