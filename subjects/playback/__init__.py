"""A recording on the table: it plays back what was recorded, with the panes and tools of any subject."""

from __future__ import annotations

from collections.abc import Mapping

from rig.subject import OptionInfo, Subject, SubjectPlugin


def _open(options: Mapping[str, str]) -> Subject:
    from subjects.playback.subject import open_playback

    return open_playback(options)


PLUGIN = SubjectPlugin(
    name="playback",
    summary="a recording, played back",
    open=_open,
    options=(OptionInfo("recording", "a folder NAME.rig", ""),),
)
