"""From a ring of frames to a picture on the screen. No widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from rig.errors import EvictedError
from rig.process.ring_reader import RingReader
from rig.streams import StreamInfo

TELEVISION_ASPECT = 4 / 3
_TELEVISION_COLUMNS, _TELEVISION_LINES = 160, (180, 260)


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame out of a ring.

    Attributes
    ----------
    data : (height, width) or (height, width, 3 or 4), a copy
    number : how many came before it
    tick : its stamp
    gap_ticks : since the frame before it; None when that is gone
    """

    data: NDArray[Any]
    number: int
    tick: int
    gap_ticks: int | None


def frame_before(reader: RingReader, stop_tick: int) -> Frame | None:
    """The newest frame stamped before stop_tick; None when the ring holds none so old, or none yet."""
    for _ in range(3):  # the writer may overtake a look; the next look is at newer frames
        try:
            span = reader.span()
            stop = min(stop_tick, span.stop_tick)
            if len(span) == 0 or stop <= span.first_tick:
                return None
            view = reader.latest(len(span))
            ticks = view.ticks()
            n = int(np.searchsorted(ticks, stop))
            if n == 0:
                return None
            data = _row(view.pieces, n - 1).copy()
            view.check()
        except EvictedError:
            continue
        gap = int(ticks[n - 1] - ticks[n - 2]) if n > 1 else None
        return Frame(data, view.first_index + n - 1, int(ticks[n - 1]), gap)
    return None


def _row(pieces: tuple[NDArray[Any], ...], index: int) -> NDArray[Any]:
    n_first = len(pieces[0])
    return np.asarray(pieces[0][index] if index < n_first else pieces[1][index - n_first])


def newest_index(reader: RingReader) -> int:
    """Changes whenever a frame appears."""
    return reader.span().stop_index


def image_of(frame: NDArray[Any], palette: NDArray[np.uint8] | None) -> QImage:
    """A picture that owns its pixels: colour indices by the palette, else grey or RGB(A)."""
    if palette is not None and frame.ndim == 2 and frame.dtype.kind in "ub":
        height, width = frame.shape
        table = np.zeros((256, 3), np.uint8)
        table[: min(len(palette), 256)] = palette[:256]
        rgb = np.ascontiguousarray(table[frame.astype(np.uint8)])
        return QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    if frame.ndim == 2:
        grey = np.ascontiguousarray(_bytes_of(frame))
        height, width = grey.shape
        return QImage(grey.data, width, height, width, QImage.Format.Format_Grayscale8).copy()
    colour = np.ascontiguousarray(_bytes_of(frame))
    height, width, n = colour.shape
    form = QImage.Format.Format_RGBA8888 if n == 4 else QImage.Format.Format_RGB888
    return QImage(colour.data, width, height, n * width, form).copy()


def differing(frame: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """(height, width) pixels in which two frames of one stream differ."""
    apart: NDArray[np.bool_] = frame != other
    return apart if apart.ndim == 2 else np.asarray(apart.any(axis=2), np.bool_)


def marked(image: QImage, pixels: NDArray[np.bool_], colour: QColor, *, faint: bool = True) -> QImage:
    """The picture, turned faint or as it is, and some of its pixels in one colour."""
    grey = image.convertToFormat(QImage.Format.Format_Grayscale8) if faint else image
    under = grey.convertToFormat(QImage.Format.Format_RGB888)
    height, width = pixels.shape
    rows = np.frombuffer(under.constBits(), np.uint8).reshape(height, under.bytesPerLine())
    rgb = rows[:, : 3 * width].reshape(height, width, 3) // (3 if faint else 1)
    rgb[pixels] = colour.red(), colour.green(), colour.blue()
    return QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _bytes_of(frame: NDArray[Any]) -> NDArray[np.uint8]:
    """8 bits: bytes as they are, everything else from its own least to its greatest value."""
    if frame.dtype == np.uint8:
        return frame
    values = frame.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    return ((values - low) * (255.0 / (high - low) if high > low else 0.0)).astype(np.uint8)


def display_aspect(info: StreamInfo) -> float:
    """Width over height on the screen.

    Pixels are square, except on a television picture of 160 colour clocks a line: those are twice as wide as a line
    is high (Stella Programmer's Guide, "The TV protocol"), and fill a set of 4:3.
    """
    height, width = info.shape[0], info.shape[1]
    if width == _TELEVISION_COLUMNS and _TELEVISION_LINES[0] <= height <= _TELEVISION_LINES[1]:
        return TELEVISION_ASPECT
    return width / height


def fitted(width: float, height: float, aspect: float) -> tuple[float, float, float, float]:
    """The largest rectangle (x, y, width, height) of an aspect, in the middle of width × height."""
    w = min(width, height * aspect)
    h = w / aspect
    return (width - w) / 2, (height - h) / 2, w, h
