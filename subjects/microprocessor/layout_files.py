"""Read the three JavaScript tables in which a Visual6502-format chip is published.

They are data, one row a line, and are read with strict patterns; nothing in them is ever run.

``transdefs.js``  `[name, gate, c1, c2, [xmin, xmax, ymin, ymax], [five sizes], weak?]`
``segdefs.js``    `[node, '+'|'-', layer, x0, y0, x1, y1, ...]`, '+' for a node with a depletion pull-up
``nodenames.js``  `name: node`, -1 where a name has no node

Source of the format: github.com/trebonian/visual6502, commit d8ecc12, the files' own text and the loops that read them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.errors import AssetError

N_LAYERS = 6
"""Mask layers: 0 metal, 1 switched, 2 input diode, 3 grounded and 4 powered diffusion, 5 polysilicon."""

MAX_NODE_ID = 65_533
"""Two ids above the highest node stand for 'never conducts' and 'always conducts' in 16-bit tables."""

_COMMENT = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'|/\*.*?\*/|//[^\n]*', re.DOTALL)
_INT = r"\s*(-?\d+)\s*"
_TRANSISTOR = re.compile(
    rf"\s*\[\s*['\"]([^'\"]+)['\"]\s*,{_INT},{_INT},{_INT},\s*\[{_INT},{_INT},{_INT},{_INT}\]\s*"
    r"(?:,\s*\[[-\d\s,.]*\]\s*)?(?:,\s*(true|false)\s*)?\]\s*,?\s*"
)
_SEGMENT = re.compile(rf"\s*\[{_INT},\s*['\"]([+-])['\"]\s*,{_INT},([-\d\s,]+)\]\s*,?\s*")
_NAME = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'|([\w$]+))\s*:\s*(-?\d+)\s*(?:,|$)")


@dataclass(frozen=True)
class TransistorRow:
    """One drawn transistor: its name, three node ids and bounding box (xmin, xmax, ymin, ymax) in mask units."""

    name: str
    gate: int
    c1: int
    c2: int
    bounds: tuple[int, int, int, int]


@dataclass(frozen=True)
class SegmentRow:
    """One polygon of one node: its layer and (n, 2) int32 corner coordinates in mask units."""

    node: int
    pull_up: bool
    layer: int
    corners: NDArray[np.int32]


def read_transistors(path: Path) -> tuple[TransistorRow, ...]:
    """Read `transdefs.js`, leaving out the rows marked weak.

    Raises
    ------
    AssetError : file missing, cut short, or a row that does not read; the line is named.
    """
    rows = []
    for line_number, line in _table(path, "transdefs", "[", "]"):
        match = _TRANSISTOR.fullmatch(line)
        if match is None:
            raise _bad_row(path, line_number, line, "a transistor [name, gate, c1, c2, [4 numbers], [sizes]]")
        name, weak = match[1], match[9] == "true"
        gate, c1, c2, *bounds = (int(match[i]) for i in range(2, 9))
        _check_nodes(path, line_number, gate, c1, c2)
        if not weak:
            rows.append(TransistorRow(name, gate, c1, c2, (bounds[0], bounds[1], bounds[2], bounds[3])))
    if not rows:
        raise AssetError(f"{path}: no transistor in it; fetch the file again")
    return tuple(rows)


def read_segments(path: Path) -> tuple[SegmentRow, ...]:
    """Read `segdefs.js`.

    Raises
    ------
    AssetError : file missing, cut short, or a row that does not read; the line is named.
    """
    rows = []
    for line_number, line in _table(path, "segdefs", "[", "]"):
        match = _SEGMENT.fullmatch(line)
        if match is None:
            raise _bad_row(path, line_number, line, "a polygon [node, '+' or '-', layer, x, y, ...]")
        node, layer = int(match[1]), int(match[3])
        _check_nodes(path, line_number, node)
        try:
            flat = np.array([int(number) for number in match[4].split(",")], dtype=np.int32)
        except (ValueError, OverflowError):
            raise _bad_row(path, line_number, line, "whole coordinates") from None
        if flat.size % 2 or flat.size < 6 or not 0 <= layer < N_LAYERS:
            raise _bad_row(path, line_number, line, f"three or more corners x, y and a layer 0 to {N_LAYERS - 1}")
        rows.append(SegmentRow(node, match[2] == "+", layer, flat.reshape(-1, 2)))
    if not rows:
        raise AssetError(f"{path}: no polygon in it; fetch the file again")
    return tuple(rows)


def read_node_names(path: Path) -> dict[str, int]:
    """Read `nodenames.js`: every name (aliases too) and its node, names without a node left out.

    Raises
    ------
    AssetError : file missing, cut short, or an entry that does not read; the line is named.
    """
    names: dict[str, int] = {}
    for line_number, line in _table(path, "nodenames", "{", "}"):
        position = 0
        while line[position:].strip():
            match = _NAME.match(line, position)
            if match is None:
                raise _bad_row(path, line_number, line[position:], "an entry name: node")
            node = int(match[4])
            if node != -1:
                _check_nodes(path, line_number, node)
                names[match[1] or match[2] or match[3]] = node
            position = match.end()
    return names


def _table(path: Path, name: str, opening: str, closing: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, text) of the non-empty lines between `var NAME = [` and the closing bracket."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise AssetError(f"{path}: no such file; run `headstage install` for this chip") from None
    except (OSError, UnicodeDecodeError) as error:
        raise AssetError(f"{path}: cannot be read as text ({error}); fetch the file again") from None
    lines = _COMMENT.sub(_blank, text).splitlines()
    header = re.compile(rf"\s*(?:var|let|const)?\s*{name}\s*=\s*{re.escape(opening)}\s*")
    inside = False
    for line_number, line in enumerate(lines, start=1):
        if not inside:
            if header.fullmatch(line):
                inside = True
            elif line.strip():
                raise _bad_row(path, line_number, line, f"`var {name} = {opening}` before anything else")
        elif line.strip().rstrip(";").strip() == closing:
            return
        elif line.strip():
            yield line_number, line
    raise AssetError(f"{path}: line {len(lines)}: the file ends before the closing {closing}; fetch the file again")


def _blank(match: re.Match[str]) -> str:
    """Keep strings, and the line breaks of comments, so that line numbers stay true."""
    found = match[0]
    return found if found[0] in "\"'" else "\n" * found.count("\n")


def _check_nodes(path: Path, line_number: int, *nodes: int) -> None:
    for node in nodes:
        if not 0 <= node <= MAX_NODE_ID:
            raise AssetError(
                f"{path}: line {line_number}: node {node} is outside 0 to {MAX_NODE_ID}; fetch the file again"
            )


def _bad_row(path: Path, line_number: int, line: str, expected: str) -> AssetError:
    shown = line.strip()
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return AssetError(f"{path}: line {line_number}: expected {expected}, found {shown!r}; fetch the file again")
