"""Qt's view of painted pixels: images that share their memory, and the two calls that show a ring."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPaintEngine, QPainter

from app.draw.blend import Pixels
from app.draw.time_scale import Piece


def image_over(pixels: Pixels, opaque: bool = True) -> QImage:
    """An image on the same memory: what a kernel paints is there at the next draw, nothing is copied.

    Parameters
    ----------
    pixels : (h, w) uint32, C-contiguous; keep it alive as long as the image
    opaque : every pixel's alpha is 255, which draws faster
    """
    height, width = pixels.shape
    form = QImage.Format.Format_RGB32 if opaque else QImage.Format.Format_ARGB32_Premultiplied
    return QImage(pixels.data.cast("B"), width, height, 4 * width, form)


def draw_pieces(painter: QPainter, image: QImage, pieces: Iterable[Piece], ratio: float = 1.0) -> None:
    """Draw pieces of a ring image from the painter's origin, at `ratio` device pixels a unit of the painter."""
    height = image.height()
    # Qt's SVG writer embeds an image whole, whatever part of it is asked for
    takes_parts = painter.paintEngine().type() is not QPaintEngine.Type.SVG
    for piece in pieces:
        target = QRectF(piece.target_x / ratio, 0, piece.width / ratio, height / ratio)
        if takes_parts:
            painter.drawImage(target, image, QRectF(piece.source_x, 0, piece.width, height))
        elif piece.width:
            painter.drawImage(target, image.copy(piece.source_x, 0, piece.width, height))
