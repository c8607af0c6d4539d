"""Letters of five by seven squares: the name in the chip's metal, and the words on its picture."""

from __future__ import annotations

from collections.abc import Iterator

WIDTH, HEIGHT, PITCH = 5, 7, 6
"""Of a letter, in squares, and from one to the next."""

# seven rows from the top, the leftmost square worth 16
_ROWS = {
    " ": "00000000000000",
    "0": "0e11131519110e",
    "2": "0e11010204081f",
    "5": "1f101e0101110e",
    "6": "0608101e11110e",
    "A": "0e11111f111111",
    "B": "1e11111e11111e",
    "C": "0e11101010110e",
    "D": "1c12111111121c",
    "E": "1f10101e10101f",
    "G": "0e11101711110f",
    "H": "1111111f111111",
    "I": "0e04040404040e",
    "K": "11121418141211",
    "L": "1010101010101f",
    "M": "111b1515111111",
    "N": "11191513111111",
    "O": "0e11111111110e",
    "P": "1e11111e101010",
    "R": "1e11111e141211",
    "S": "0f10100e01011e",
    "T": "1f040404040404",
    "U": "1111111111110e",
    "X": "11110a040a1111",
    "Y": "1111110a040404",
}


def squares(text: str) -> Iterator[tuple[int, int]]:
    """Columns and rows, from the upper left, of the squares that are filled."""
    for k, letter in enumerate(text):
        for row, bits in enumerate(bytes.fromhex(_ROWS[letter])):
            for column in range(WIDTH):
                if bits >> (WIDTH - 1 - column) & 1:
                    yield k * PITCH + column, row
