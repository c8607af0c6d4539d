"""The screen of a recording as a film: GIF or MP4, made by ffmpeg. Free of Qt.

Each frame stays for its own time: frames are fed at an even rate, and one that stays longer is fed more than once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from rig.errors import ExportError
from rig.storage.recording import Recording
from rig.streams import StreamInfo, StreamKind

SUFFIXES = (".mp4", ".gif")
MAX_FPS = {".mp4": Fraction(60), ".gif": Fraction(50)}  # GIF counts in hundredths, and players stop at two of them
DEFAULT_FPS = Fraction(25)  # of a subject without a clock
_BLOCK_BYTES = 16 << 20
NO_FFMPEG = "asked for a film; ffmpeg is not on this machine: install it (its command must be found), then try again"


@dataclass(frozen=True)
class FilmRequest:
    """What to film.

    Attributes
    ----------
    recording : folder ``NAME.rig``
    out : ``.mp4`` or ``.gif``
    start_tick, stop_tick : the stretch
    scale : pixels of the film for a line of the screen
    times_real : speed of the film
    aspect : width over height of the picture; None for square pixels
    """

    recording: Path
    out: Path
    start_tick: int
    stop_tick: int
    scale: int = 2
    times_real: float = 1.0
    aspect: float | None = None


@dataclass(frozen=True)
class FilmReport:
    """What was made."""

    path: Path
    n_frames: int
    fps: float
    n_bytes: int


def find_ffmpeg() -> str | None:
    """The command; None where there is none."""
    return shutil.which("ffmpeg")


def film_command(ffmpeg: str, width: int, height: int, fps: Fraction, size: tuple[int, int], out: Path) -> list[str]:
    """Words of the command that reads RGB frames from its standard input.

    Parameters
    ----------
    width, height : of the frames
    size : of the film
    """
    scale = f"scale={size[0]}:{size[1]}:flags=neighbor"
    words = [ffmpeg, "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    words += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "pipe:0"]
    if out.suffix.lower() == ".gif":
        # one palette for all: screens have few colours, and no dither is needed
        graph = f"[0:v]{scale},split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=none"
        words += ["-filter_complex", graph, "-loop", "0", "-f", "gif"]
    else:
        words += ["-vf", scale, "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"]
        words += ["-movflags", "+faststart", "-f", "mp4"]
    return [*words, str(out)]


def film_size(info: StreamInfo, scale: int, aspect: float | None) -> tuple[int, int]:
    """Width and height of the film, even as video wants them."""
    height, width = info.shape[0] * scale, info.shape[1] * scale
    if aspect is not None:
        width = round(height * aspect)
    return width + width % 2, height + height % 2


def frame_rate(ticks: NDArray[np.int64], tick_hz: float, times_real: float, most: Fraction) -> Fraction:
    """Frames a second at which frames of these ticks are fed, at most `most`."""
    if tick_hz <= 0 or len(ticks) < 2:
        return min(DEFAULT_FPS, most)
    interval_ticks = float(np.median(np.diff(ticks)))
    return min(Fraction(tick_hz * times_real / max(interval_ticks, 1)).limit_denominator(1000), most)


def shown_frames(ticks: NDArray[np.int64], tick_hz: float, times_real: float, fps: Fraction) -> NDArray[np.int64]:
    """(n_frames,) which recorded frame is shown in each frame of the film."""
    n = len(ticks)
    if tick_hz <= 0 or n < 2:
        return np.arange(n, dtype=np.int64)
    seconds = (ticks - ticks[0]) / (tick_hz * times_real)
    n_out = round(float(seconds[-1]) * float(fps)) + 1
    # half a frame later: a frame that is due at that very moment is shown, whatever the rounding
    at = (np.arange(n_out) + 0.5) / float(fps)
    return np.searchsorted(seconds, at, side="right").astype(np.int64) - 1


def rgb_frames(info: StreamInfo, data: NDArray[np.generic]) -> NDArray[np.uint8]:
    """(n, height, width, 3): colour indices by the palette, RGB(A) as it is, grey from least to greatest."""
    if info.palette is not None and data.ndim == 3 and data.dtype.kind in "ub":
        table = np.zeros((256, 3), np.uint8)
        table[: min(len(info.palette), 256)] = info.palette[:256]
        return table[data.astype(np.uint8)]
    if data.dtype != np.uint8:
        values = data.astype(np.float64)
        low, high = float(values.min()), float(values.max())
        data = ((values - low) * (255.0 / (high - low) if high > low else 0.0)).astype(np.uint8)
    if data.ndim == 3:
        return np.repeat(data[..., None], 3, axis=3).astype(np.uint8)
    return np.ascontiguousarray(data[..., :3], np.uint8)


def make_film(
    request: FilmRequest,
    progress: Callable[[float], None] = lambda part: None,
    cancelled: Callable[[], bool] = lambda: False,
    ffmpeg: str | None = None,
) -> FilmReport:
    """Make the film; the file appears when it is whole.

    Parameters
    ----------
    ffmpeg : its command; None to look for it

    Raises
    ------
    ExportError : no ffmpeg, no screen, no frame in the stretch, another suffix, ffmpeg failed, or it was cancelled.
    """
    ffmpeg = ffmpeg or find_ffmpeg()
    suffix = request.out.suffix.lower()
    if ffmpeg is None:
        raise ExportError(NO_FFMPEG)
    if suffix not in SUFFIXES:
        raise ExportError(f"asked for a film {request.out.name}; its name must end in .mp4 or .gif")
    if not request.out.parent.is_dir():
        raise ExportError(f"asked for a film in {request.out.parent}; there is no such folder")
    with Recording.open(request.recording) as recording:
        name = next((n for n, s in recording.streams.items() if s.kind is StreamKind.IMAGE), None)
        if name is None:
            raise ExportError(f"asked for a film of {request.recording.name}; no screen was recorded")
        info, hz = recording.streams[name], recording.header.info.tick_hz
        ticks = _frame_ticks(recording, name, request)
        if not len(ticks):
            raise ExportError(
                f"asked for a film of ticks [{request.start_tick}, {request.stop_tick}); no frame is there"
            )
        fps = frame_rate(ticks, hz, request.times_real, MAX_FPS[suffix])
        chosen = shown_frames(ticks, hz, request.times_real, fps)
        temporary = request.out.with_name(f".{uuid4().hex[:8]}.{request.out.name}")
        size = film_size(info, request.scale, request.aspect)
        command = film_command(ffmpeg, info.shape[1], info.shape[0], fps, size, temporary)
        try:
            _feed(command, _repeated(recording, name, request, chosen), len(chosen), progress, cancelled)
            n_bytes = temporary.stat().st_size
            os.replace(temporary, request.out)
        finally:
            temporary.unlink(missing_ok=True)
    return FilmReport(request.out, len(chosen), float(fps), n_bytes)


def _frame_ticks(recording: Recording, name: str, request: FilmRequest) -> NDArray[np.int64]:
    blocks = recording.blocks(name, request.start_tick, request.stop_tick, max_bytes=_BLOCK_BYTES)
    found = [b.ticks for b in blocks]
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _repeated(
    recording: Recording, name: str, request: FilmRequest, chosen: NDArray[np.int64]
) -> Iterator[NDArray[np.uint8]]:
    """The frames of the film, in order."""
    done, k = 0, 0
    for block in recording.blocks(name, request.start_tick, request.stop_tick, max_bytes=_BLOCK_BYTES):
        frames = rgb_frames(block.info, block.data)
        while k < len(chosen) and chosen[k] < done + len(frames):
            yield frames[chosen[k] - done]
            k += 1
        done += len(frames)


def _feed(
    command: list[str],
    frames: Iterator[NDArray[np.uint8]],
    n_frames: int,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> None:
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors)
        assert process.stdin is not None
        try:
            for i, frame in enumerate(frames):
                if cancelled():
                    raise ExportError("the film was cancelled; nothing was written")
                process.stdin.write(np.ascontiguousarray(frame).data)
                progress(0.9 * (i + 1) / n_frames)
            process.stdin.close()
            while True:
                try:
                    code = process.wait(timeout=0.1)
                    break
                except subprocess.TimeoutExpired:
                    if cancelled():
                        raise ExportError("the film was cancelled; nothing was written") from None
        except BrokenPipeError:
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            _close(process)
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
    if code != 0:
        raise ExportError(
            f"ffmpeg could not make the film ({said[-1] if said else f'exit code {code}'}): try .gif or .mp4"
        )


def _close(process: subprocess.Popen[bytes]) -> None:
    try:
        if process.stdin is not None:
            process.stdin.close()
    except OSError:
        return  # what was buffered for a process that is gone
