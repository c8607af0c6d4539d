"""The loudspeaker of this machine, through QtMultimedia; or one line that says why there is none."""

from __future__ import annotations

import logging
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)
BUFFER_S = 0.25


class Loudspeaker(Protocol):
    """Takes sound as fast as it plays it."""

    @property
    def rate_hz(self) -> float: ...

    @property
    def n_queued(self) -> int:
        """Frames that were written and are not heard yet."""
        ...

    def write(self, sound: NDArray[np.float32]) -> None:
        """(n_frames,) mono, −1 to 1."""
        ...

    def set_volume(self, volume: float) -> None:
        """0 to 1, as a hand turns a knob."""
        ...

    def close(self) -> None: ...


def open_loudspeaker() -> Loudspeaker | str:
    """The default one; why there is none."""
    try:
        # its backend is loaded with it; a machine without sound may not have the libraries
        from PySide6 import QtMultimedia
    except ImportError as error:
        log.info("no sound: %s", error)
        return f"no sound: QtMultimedia cannot load its backend ({str(error).split(':')[0]})"
    device = QtMultimedia.QMediaDevices.defaultAudioOutput()
    if device.isNull():
        return "no sound: this machine has no audio device"
    try:
        return QtLoudspeaker(QtMultimedia, device)
    except RuntimeError as error:
        return f"no sound: {error}"


class QtLoudspeaker:
    """A QAudioSink that is written to."""

    def __init__(self, multimedia: Any, device: Any) -> None:
        wanted = device.preferredFormat()
        self._n_channels = max(wanted.channelCount(), 1)
        self.rate_hz = float(wanted.sampleRate() or 48_000)
        wanted.setSampleFormat(multimedia.QAudioFormat.SampleFormat.Int16)
        if not device.isFormatSupported(wanted):
            raise RuntimeError(f"{device.description()} takes no 16-bit sound")
        self._audio = multimedia.QAudio
        self._sink = multimedia.QAudioSink(device, wanted)
        self._frame_bytes: int = 2 * self._n_channels
        self._sink.setBufferSize(int(BUFFER_S * self.rate_hz) * self._frame_bytes)
        self._device = self._sink.start()
        if self._device is None:
            raise RuntimeError(f"{device.description()} does not start")

    @property
    def n_queued(self) -> int:
        queued_bytes = int(self._sink.bufferSize()) - int(self._sink.bytesFree())
        return queued_bytes // self._frame_bytes

    def write(self, sound: NDArray[np.float32]) -> None:
        room = int(self._sink.bytesFree()) // self._frame_bytes
        frames = np.clip(sound[:room] * 32767, -32768, 32767).astype("<i2")
        self._device.write(np.repeat(frames, self._n_channels).tobytes())

    def set_volume(self, volume: float) -> None:
        scale = self._audio.VolumeScale
        self._sink.setVolume(self._audio.convertVolume(volume, scale.LogarithmicVolumeScale, scale.LinearVolumeScale))

    def close(self) -> None:
        self._sink.stop()
