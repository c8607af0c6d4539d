"""What a process of its own costs a session: ``python tests/bench/bench_host.py [PLUGIN] [--watch STREAM]``.

The same ticks are done by a session in this process and by one behind a client, in turn; the ratio of their speeds is
what counts. Then: how long a command takes to be obeyed, and what an idle session uses of a core.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from pathlib import Path

from rig.process.client import RigClient
from rig.session import Session

BLOCK_TICKS = 1 << 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plugin", nargs="?", default="model-cell")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the subject")
    parser.add_argument("--watch", default="spikes")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    options = dict(option.split("=", 1) for option in arguments.set)
    begun_s = time.perf_counter()
    with (
        RigClient.start(arguments.plugin, options, installed_only=False) as client,
        Session(arguments.plugin, options, installed_only=False) as session,
    ):
        print(f"started in {time.perf_counter() - begun_s:.2f} s")
        client.watch(arguments.watch)
        session.watch(arguments.watch)
        session.advance(BLOCK_TICKS)
        ratios = []
        for _ in range(arguments.rounds):
            here_hz = _speed_here(session, arguments.seconds)
            there_hz = _speed_there(client, int(here_hz * arguments.seconds))
            ratios.append(there_hz / here_hz)
            print(f"here {here_hz:12,.0f} ticks/s   there {there_hz:12,.0f} ticks/s   ratio {ratios[-1]:.2f}")
        print(f"behind a client a session runs at {statistics.median(ratios):.2f} × its speed in this process")
        print(f"a command takes {_latency_s(client) * 1e3:.2f} ms while paused", end=", ")
        client.run()
        print(f"{_latency_s(client) * 1e3:.2f} ms while running as fast as may be")
        client.set_speed(100.0)
        print(f"at 100 ticks/s it uses {_load(client):.1%} of a core", end=", ")
        client.pause()
        print(f"paused {_load(client):.1%}")


def _speed_here(session: Session, duration_s: float) -> float:
    begun_s, begun_tick = time.perf_counter(), session.tick
    while time.perf_counter() - begun_s < duration_s:
        session.advance(BLOCK_TICKS)
    return (session.tick - begun_tick) / (time.perf_counter() - begun_s)


def _speed_there(client: RigClient, n_ticks: int) -> float:
    begun_s = time.perf_counter()
    client.run_to(client.status.tick + n_ticks)
    client.wait_until_paused()
    return n_ticks / (time.perf_counter() - begun_s)


def _latency_s(client: RigClient) -> float:
    taken_s = []
    for k in range(50):
        threading.Event().wait(0.013)  # not in step with the blocks
        begun_s = time.perf_counter()
        client.mark(k % 9 + 1)
        taken_s.append(time.perf_counter() - begun_s)
    client.events()
    return statistics.median(taken_s)


def _load(client: RigClient, duration_s: float = 2.0) -> float:
    """Part of a core that the session's process uses (Linux; NaN elsewhere)."""
    before = _processor_ticks(client)
    threading.Event().wait(duration_s)
    return (_processor_ticks(client) - before) / 100 / duration_s


def _processor_ticks(client: RigClient) -> float:
    stat = Path(f"/proc/{client.pid}/stat")
    if not stat.exists():
        return float("nan")
    fields = stat.read_text().rpartition(")")[2].split()
    return float(fields[11]) + float(fields[12])


if __name__ == "__main__":
    main()
