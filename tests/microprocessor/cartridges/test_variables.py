"""Numbers from the bytes of a RAM."""

from __future__ import annotations

import numpy as np

from subjects.microprocessor.cartridges.variables import Variable, read_variables


def test_numbers_are_read_as_they_are_written():
    ram = np.zeros((2, 128), np.uint8)
    ram[0, 5:8] = 0x12, 0x34, 0x56
    ram[1, 5:8] = 0x99, 0x99, 0x99
    ram[:, 127] = 0b0110_0000, 0b1001_1111
    ram[:, 9] = 200, 199
    variables = (
        Variable("score", 0x85, "", "", n_bytes=3),
        Variable("bits", 0xFF, "", "", mask=0b0110_0000),
        Variable("y", 0x89, "", "", absent=200),
        Variable("raw", 0x89, "", ""),
        Variable("signed", 0x89, "", "", signed=True),
    )
    assert read_variables(variables, ram).tolist() == [[123456, 3, -1, 200, -56], [999999, 0, 199, 199, -57]]
    assert read_variables(variables, ram[:0]).shape == (0, 5)
