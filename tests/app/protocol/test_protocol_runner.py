"""Protocols run on a real session: what is in its log, at which ticks, and in the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.protocol.actions import Table, read_protocol
from app.protocol.progress import Stage
from app.protocol.runner import Runner
from app.protocol.steps import Do, Protocol, Step
from rig.log import LogEntry, LogKind
from rig.process.client import RigClient
from rig.process.protocol import Logged, State
from rig.spec import Bench
from rig.storage.recording import Recording

TIMEOUT_S = 120  # to give up after


@pytest.fixture(scope="module")
def shared_client() -> Iterator[RigClient]:
    with RigClient.start("model-cell") as client:
        yield client


@pytest.fixture
def client(shared_client: RigClient) -> RigClient:
    shared_client.pause()
    shared_client.reset(0)
    shared_client.watch("spikes")
    shared_client.events()
    return shared_client


class Rig:
    """A runner, and the entries that came while it ran."""

    def __init__(self, client: RigClient, folder: Path, protocol: Protocol) -> None:
        self.client = client
        self.entries: list[LogEntry] = []
        d = client.description
        self.table = Table(Bench(d.info, d.units, d.streams), d.controls, d.perturbation_kinds)
        read, problems = read_protocol(protocol, self.table)
        assert problems == ()
        self.runner = Runner(protocol, read, self.table, client, folder, self.hear)

    def hear(self) -> None:
        self.take(self.client.events())

    def take(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, Logged):
                self.entries.append(event.entry)
                self.runner.notice(event.entry)

    def run(self) -> None:
        """Tend it as the window would, until it is over."""
        while self.runner.running:
            self.runner.tend()
            if self.runner.running:
                self.take(self.client.events(TIMEOUT_S))
        self.hear()

    def told(self, *kinds: LogKind) -> list[tuple[int, LogKind, object]]:
        keys = {LogKind.CONTROL: "value", LogKind.NOTE: "text", LogKind.MARK: "number", LogKind.PERTURB: "start_tick"}
        return [(e.tick, e.kind, e.payload[keys[e.kind]]) for e in self.entries if e.kind in kinds]


def steps(text: str) -> tuple[Step, ...]:
    lines = [line.strip().split("|") for line in text.strip().splitlines()]
    return tuple(Step(Do(do.strip()), what.strip(), after.strip()) for after, do, what in lines)


def test_every_step_is_done_at_its_very_tick(client: RigClient, tmp_path: Path) -> None:
    client.run_to(37)
    client.wait_until_paused(TIMEOUT_S)
    rig = Rig(
        client,
        tmp_path,
        Protocol(
            steps=steps(
                """10|note|a
                7|control|gain=3
                0|mark|4
                13|wait|100
                3|perturb|drive cell0 for=2 every=10 times=3
                1|note|z"""
            )
        ),
    )
    rig.run()
    assert rig.runner.progress.stage is Stage.DONE
    told = rig.told(LogKind.NOTE, LogKind.CONTROL, LogKind.MARK, LogKind.PERTURB)
    assert told == [
        (47, LogKind.NOTE, "a"),
        (54, LogKind.CONTROL, 3),
        (54, LogKind.MARK, 4),
        (170, LogKind.PERTURB, 170),
        (170, LogKind.PERTURB, 180),
        (170, LogKind.PERTURB, 190),
        (171, LogKind.NOTE, "z"),
    ]
    # it ends when its last pulse has passed, and leaves the subject paused as it was
    assert client.status.tick == 192
    assert client.status.state is State.PAUSED
    assert rig.runner.progress.n_done == rig.runner.progress.n_total == 6


def test_repeats_of_the_whole_and_within(client: RigClient, tmp_path: Path) -> None:
    rig = Rig(client, tmp_path, Protocol(steps=steps("5|repeat|2\n3|note|in\n2|end repeat|\n10|note|out"), repeats=2))
    rig.run()
    assert [(t, n) for t, _, n in rig.told(LogKind.NOTE)] == [
        (8, "in"), (13, "in"), (25, "out"), (33, "in"), (38, "in"), (50, "out"),
    ]  # fmt: skip
    assert rig.runner.progress.pass_number == 2


def test_a_recording_of_it_holds_the_pulses_where_they_were_asked(client: RigClient, tmp_path: Path) -> None:
    (tmp_path / "train.rig").mkdir()
    rig = Rig(
        client,
        tmp_path,
        Protocol(
            name="train",
            steps=steps("0|record|train\n20|perturb|drive cell9 for=3 every=10 times=2\n40|stop recording|"),
        ),
    )
    rig.run()
    assert rig.runner.progress.stage is Stage.DONE, rig.runner.progress.line
    with Recording.open(tmp_path / "train-2.rig") as recording:
        samples = recording.read("spikes", 0, 60)
    held = samples.unpacked()[:, 9]
    free = [t for t in range(60) if t % 11 == 0]
    assert [t for t in range(60) if held[t]] == sorted({*free, 20, 21, 22, 30, 31, 32})


def test_waiting_until_is_exact_in_subject_time(client: RigClient, tmp_path: Path) -> None:
    # cell9 spikes where t % 11 = 0: from tick 5 on the first is 11, seen at the first look after it: 5 + 4 · 2
    rig = Rig(client, tmp_path, Protocol(steps=steps("5|wait until|rise:cell9 every=4\n3|note|seen"), repeats=2))
    rig.run()
    assert rig.runner.progress.stage is Stage.DONE, rig.runner.progress.line
    # then from 16 + 5 = 21 on it is 22, seen at 25
    assert [t for t, *_ in rig.told(LogKind.NOTE)] == [13 + 3, 25 + 3]


def test_waiting_too_long_ends_it_with_a_line(client: RigClient, tmp_path: Path) -> None:
    protocol = Protocol(steps=steps("0|perturb|silence cell9\n1|wait until|rise:cell9 within=50 every=20\n0|note|no"))
    rig = Rig(client, tmp_path, protocol)
    rig.run()
    assert rig.runner.progress.stage is Stage.FAILED
    assert rig.runner.progress.line == "step 2: unit 109 rises did not happen within 50 ticks"
    assert client.status.tick == 51
    assert rig.told(LogKind.NOTE) == []
    assert "protocol 2" in [e.payload["name"] for e in rig.entries if e.payload.get("action") == "disarm"]


def test_a_triggered_train_fires_in_the_loop_and_is_disarmed_at_the_end(client: RigClient, tmp_path: Path) -> None:
    rig = Rig(client, tmp_path, Protocol(steps=steps("0|perturb|drive cell0 on=rise:cell9 after=2 for=1\n30|note|end")))
    rig.run()
    # cell9 rises at 11 and 22; the onset is counted from the tick after
    assert [(t, s) for t, _, s in rig.told(LogKind.PERTURB)] == [(12, 14), (23, 25)]
    actions = [e.payload["action"] for e in rig.entries if e.kind is LogKind.TRIGGER]
    assert actions == ["arm", "fire", "fire", "disarm"]


def test_pausing_by_hand_only_makes_it_wait(client: RigClient, tmp_path: Path) -> None:
    client.set_speed(1000.0)
    try:
        rig = Rig(client, tmp_path, Protocol(steps=steps("100000|note|far")))
        rig.runner.tend()
        stood = client.pause().tick
        for _ in range(3):
            rig.runner.tend()
        assert client.status.state is State.PAUSED
        assert client.status.tick == stood
        client.set_speed()
        client.run()
        rig.run()
    finally:
        client.set_speed()
    assert [t for t, *_ in rig.told(LogKind.NOTE)] == [100_000]


def test_setting_time_back_meanwhile_ends_it(client: RigClient, tmp_path: Path) -> None:
    rig = Rig(client, tmp_path, Protocol(steps=steps("0|note|a\n10|note|b")))
    client.reset(1)
    rig.run()
    assert rig.runner.progress.stage is Stage.FAILED
    assert "time was set to tick 0" in rig.runner.progress.line


def test_what_the_session_refuses_ends_it_and_names_the_step(client: RigClient, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    rig = Rig(client, blocked, Protocol(steps=steps("0|note|a\n0|record|x")))
    rig.run()
    assert rig.runner.progress.stage is Stage.FAILED
    assert rig.runner.progress.line.startswith("step 2: asked to record into")


def test_stopping_closes_its_recording_and_lets_the_subject_run_on(client: RigClient, tmp_path: Path) -> None:
    client.run()
    rig = Rig(client, tmp_path, Protocol(steps=steps("0|record|cut\n1000000000|note|never")))
    rig.runner.tend()
    assert client.status.recorder is not None
    rig.runner.stop()
    assert client.status.recorder is None
    assert client.status.state is State.RUNNING
    assert rig.runner.progress.stage is Stage.STOPPED
    client.pause()
    with Recording.open(tmp_path / "cut.rig") as recording:
        assert recording.header.info.name == "Model cell"


def test_the_same_protocol_on_the_same_seed_gives_the_same_run(client: RigClient, tmp_path: Path) -> None:
    protocol = Protocol(steps=steps("9|perturb|drive cell1 for=1 every=9 times=5 jitter=3\n30|note|x"), repeats=3)
    runs = []
    for _ in range(2):
        client.reset(3)
        client.events()
        rig = Rig(client, tmp_path, protocol)
        rig.run()
        runs.append(rig.told(LogKind.PERTURB, LogKind.NOTE))
    assert runs[0] == runs[1]
    assert len(runs[0]) == 18
