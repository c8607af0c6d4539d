"""Whether the window stays flat in memory: ``python tests/bench/soak_window.py [minutes] [subject] [option=value …]``.

The whole window, a subject flat out in its process, and a hand that selects, looks back and stimulates once a minute;
every fifth minute it looks back far beyond the rings, in two of ten minutes there is an intact twin.
Prints both processes' memory each minute, apart by kind: their own (anonymous), shared with the other (rings, counted
when first touched, at most their size), and of files. At the end the slope of their own memory after the first fifth.
Linux only: it reads ``/proc``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

KINDS = ("RssAnon", "RssShmem", "RssFile")
MINUTE_S = 60.0


def memory_mb(pid: int) -> tuple[float, ...]:
    """Own, shared and file-backed resident memory of a process."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    found = {words[0].rstrip(":"): int(words[1]) / 1024 for words in lines if words[0].rstrip(":") in KINDS}
    return tuple(found[kind] for kind in KINDS)


def main() -> None:
    from PySide6.QtCore import QSettings

    from app.window.demo import until
    from app.window.desk import Opening
    from app.window.launch import application
    from app.window.main_window import MainWindow

    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    plugin = sys.argv[2] if len(sys.argv) > 2 else "model-cell"
    options = dict(word.split("=", 1) for word in sys.argv[3:])
    app = application()
    with TemporaryDirectory() as folder:
        settings = QSettings(str(Path(folder) / "window.ini"), QSettings.Format.IniFormat)
        settings.setValue("tour", False)
        window = MainWindow(settings)
        window.resize(1600, 1000)
        window.show()
        window.start_with(Opening(plugin, options))
        until(lambda: window.desk.tick > 0, "the subject did not come up")
        window.desk.do(lambda c: c.set_speed())
        assert window.desk.client is not None
        pids = os.getpid(), window.desk.client.pid or 0
        print("minute        tick |  window: own  shared  files | subject: own  shared  files   (MB)", flush=True)
        seen = []
        for minute, _ in zip(range(minutes + 1), beats(window), strict=False):
            both = [memory_mb(pid) for pid in pids]
            seen.append((minute, both[0][0], both[1][0]))
            figures = " | ".join("        " + " ".join(f"{mb:7.1f}" for mb in of) for of in both)
            print(f"{minute:6d} {window.desk.tick:11d} | {figures}", flush=True)
        for name, column in (("window", 1), ("subject", 2)):
            late = np.array(seen[len(seen) // 5 :])
            slope = np.polyfit(late[:, 0], late[:, column], 1)[0] if len(late) > 2 else float("nan")
            print(f"{name}: own memory grows by {slope:+.3f} MB a minute after minute {int(late[0, 0])}")
        window.close()
        app.processEvents()


def beats(window: object) -> Iterator[None]:
    """Once a minute; in between a hand does what hands do."""
    from app.window.demo import rest

    n = 0
    while True:
        yield
        stop_s = time.monotonic() + MINUTE_S
        handle(window, n)
        n += 1
        while time.monotonic() < stop_s:
            rest(0.5)


def handle(window: object, n: int) -> None:
    """Another selection and time base, a look back, a stimulus, and live again."""
    from app.window.demo import rest
    from app.window.main_window import MainWindow

    assert isinstance(window, MainWindow)
    desk = window.desk
    description = desk.description
    assert description is not None
    ids = description.units.unit_id
    desk.select([int(ids[(n * 37 + i) % len(ids)]) for i in range(4)])
    window.actions_by_name["longer" if n % 2 else "shorter"].trigger()
    desk.view.look_at(desk.tick // 2 if n % 5 == 4 else max(desk.tick - desk.view.span_ticks * (n % 5), 1))
    rest(3.0)
    desk.view.go_live()
    window.actions_by_name["stimulate"].trigger()
    if n % 10 in (7, 9):
        window.actions_by_name["twin"].trigger()
    rest(1.0)


if __name__ == "__main__":
    main()
