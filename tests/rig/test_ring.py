"""The ring against a list, on its own and with a second process reading."""

from __future__ import annotations

import gc
import multiprocessing
import os
import secrets
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rig.errors import ContractError, EvictedError, FormatError, StorageError, TickError
from rig.process.ring import RingWriter
from rig.process.ring_reader import RingReader
from rig.process.shared_memory import Shared, attach_shared, create_shared, remove_shared
from rig.streams import Chunk, StreamInfo, StreamKind


def regular(ticks_per_sample: int = 1, shape: tuple[int, ...] = (3,), dtype: str = "<u2") -> StreamInfo:
    return StreamInfo("nodes", "test", StreamKind.VALUES, np.dtype(dtype), shape, ticks_per_sample)


def irregular() -> StreamInfo:
    return StreamInfo("frames", "test", StreamKind.IMAGE, np.dtype("<i8"), (2,), None)


def fresh_name() -> str:
    return f"hs{secrets.token_hex(6)}"


def numbered(info: StreamInfo, first: int, n: int) -> np.ndarray:
    """Samples that tell which they are: sample i is filled with i."""
    values = np.arange(first, first + n).astype(info.dtype)
    return np.broadcast_to(values.reshape(n, *(1,) * len(info.shape)), (n, *info.shape)).copy()


@pytest.fixture
def writer() -> Iterator[RingWriter]:
    ring = RingWriter(regular(), fresh_name(), 6 * 10)
    yield ring
    ring.close()


def test_a_reader_sees_the_layout_and_what_was_written(writer: RingWriter) -> None:
    reader = RingReader(writer.name)
    assert (reader.info.name, reader.info.dtype, reader.info.shape, reader.capacity) == ("nodes", "<u2", (3,), 10)
    assert len(reader.span()) == 0
    writer.write(Chunk("nodes", 0, numbered(writer.info, 0, 4)))
    view = reader.since(0)
    assert (len(view), view.first_index, view.stop_index, view.n_missed, view.intact) == (4, 0, 4, 0, True)
    assert view.pieces[0].tolist() == [[i] * 3 for i in range(4)]
    assert view.ticks().tolist() == [0, 1, 2, 3]


def test_views_are_not_copies_and_cannot_be_written(writer: RingWriter) -> None:
    reader = RingReader(writer.name)
    writer.write(Chunk("nodes", 0, numbered(writer.info, 0, 10)))
    view = reader.latest(10)
    writer.write(Chunk("nodes", 10, numbered(writer.info, 10, 1)))
    assert view.pieces[0][0, 0] == 10
    with pytest.raises(ValueError, match="read-only"):
        view.pieces[0][0] = 1


def test_a_view_around_the_end_has_two_pieces(writer: RingWriter) -> None:
    reader = RingReader(writer.name)
    writer.write(Chunk("nodes", 0, numbered(writer.info, 0, 8)))
    writer.write(Chunk("nodes", 8, numbered(writer.info, 8, 5)))
    view = reader.ticks(5, 12)
    assert [p[:, 0].tolist() for p in view.pieces] == [[5, 6, 7, 8, 9], [10, 11]]
    assert view.copy().data[:, 0].tolist() == view.ticks().tolist() == list(range(5, 12))


def test_overwritten_views_say_so(writer: RingWriter) -> None:
    reader = RingReader(writer.name)
    writer.write(Chunk("nodes", 0, numbered(writer.info, 0, 10)))
    view = reader.since(0)
    view.check()
    writer.write(Chunk("nodes", 10, numbered(writer.info, 10, 2)))
    assert not view.intact
    with pytest.raises(EvictedError, match=r"samples \[0, 10\).*overwritten up to sample 2"):
        view.check()
    with pytest.raises(EvictedError, match="overwritten"):
        view.copy()
    assert reader.since(0).n_missed == 2


def test_ticks_that_are_gone_or_not_there_yet(writer: RingWriter) -> None:
    reader = RingReader(writer.name)
    writer.write(Chunk("nodes", 0, numbered(writer.info, 0, 12)))
    with pytest.raises(EvictedError) as gone:
        reader.ticks(0, 5)
    assert str(gone.value) == (
        "asked for ticks [0, 5), the ring of stream 'nodes' holds [2, 12); record the stream to keep more"
    )
    with pytest.raises(EvictedError, match=r"\[10, 13\).*holds \[2, 12\)"):
        reader.ticks(10, 13)
    with pytest.raises(TickError, match="must not come before"):
        reader.ticks(5, 4)
    assert len(reader.ticks(2, 12)) == 10


def test_more_than_fits_keeps_the_end(writer: RingWriter) -> None:
    reader = RingReader(writer.name)
    writer.write(Chunk("nodes", 0, numbered(writer.info, 0, 3)))
    writer.write(Chunk("nodes", 3, numbered(writer.info, 3, 24)))
    view = reader.since(1)
    assert view.n_missed == 16
    assert view.copy().data[:, 0].tolist() == view.ticks().tolist() == list(range(17, 27))


def test_a_clock_that_jumps_begins_an_epoch(writer: RingWriter) -> None:
    reader = RingReader(writer.name)
    writer.write(Chunk("nodes", 0, numbered(writer.info, 0, 4)))
    before = reader.since(0)
    writer.write(Chunk("nodes", 100, numbered(writer.info, 50, 3)))
    span = reader.span()
    assert (span.epoch, span.first_index, span.stop_index, span.first_tick, span.stop_tick) == (1, 4, 7, 100, 103)
    assert reader.since(0).ticks().tolist() == [100, 101, 102]
    assert reader.since(0).n_missed == 4
    assert (before.epoch, before.intact, before.ticks().tolist()) == (0, True, [0, 1, 2, 3])
    writer.restart(2)
    assert (len(reader.span()), reader.span().first_tick, reader.epoch) == (0, 2, 2)


def test_ticks_of_slow_samples() -> None:
    ring = RingWriter(regular(ticks_per_sample=5), fresh_name(), 6 * 10, tick=12)
    try:
        reader = RingReader(ring.name)
        ring.write(Chunk("nodes", 10, numbered(ring.info, 0, 4)))
        assert reader.epoch == 0
        assert (reader.span().first_tick, reader.span().stop_tick) == (10, 30)
        assert reader.ticks(11, 26).ticks().tolist() == [15, 20, 25]
        assert reader.ticks(10, 15).ticks().tolist() == [10]
        assert reader.ticks(16, 20).ticks().tolist() == []
    finally:
        ring.close()


def test_irregular_samples_carry_their_ticks() -> None:
    ring = RingWriter(irregular(), fresh_name(), 24 * 4, tick=7)
    try:
        reader = RingReader(ring.name)
        assert (ring.capacity, reader.span().first_tick) == (4, 7)
        ring.write(Chunk("frames", 10, numbered(ring.info, 0, 3), np.array([10, 20, 35])))
        assert reader.ticks(7, 35).ticks().tolist() == [10, 20]
        assert reader.since(0).ticks().tolist() == [10, 20, 35]
        assert reader.ticks(11, 35).ticks().tolist() == [20]
        ring.done(50)
        assert reader.ticks(36, 50).ticks().tolist() == []
        ring.write(Chunk("frames", 60, numbered(ring.info, 3, 3), np.array([60, 61, 70])))
        ring.write(Chunk("frames", 70, numbered(ring.info, 6, 1), np.array([70])))
        ring.done(71)
        assert (reader.epoch, reader.span().first_tick) == (0, 61)
        assert reader.since(0).ticks().tolist() == [60, 61, 70, 70]
        assert reader.ticks(62, 71).ticks().tolist() == [70, 70]
        with pytest.raises(EvictedError, match=r"holds \[61, 71\)"):
            reader.ticks(60, 71)
        ring.write(Chunk("frames", 5, numbered(ring.info, 7, 1), np.array([5])))
        assert (reader.epoch, reader.since(0).ticks().tolist()) == (1, [5])
    finally:
        ring.close()


@pytest.mark.parametrize(
    "chunk",
    [
        Chunk("nodes", 0, np.zeros((2, 4), "<u2")),
        Chunk("nodes", 0, np.zeros((2, 3), "<u4")),
        Chunk("nodes", 0, np.zeros((2, 3), "<u2"), np.array([0, 1])),
    ],
)
def test_a_foreign_chunk_is_refused(writer: RingWriter, chunk: Chunk) -> None:
    with pytest.raises(ContractError, match="plugin is wrong"):
        writer.write(chunk)
    assert writer.head == 0


def test_structured_samples() -> None:
    info = regular(shape=(), dtype="u1")
    bus = StreamInfo("bus", "", StreamKind.BUS, np.dtype([("a", "<u2"), ("rw", "u1")]), (), info.ticks_per_sample)
    ring = RingWriter(bus, fresh_name(), 3 * 8)
    try:
        samples = np.array([(i, i % 2) for i in range(11)], bus.dtype)
        ring.write(Chunk("bus", 0, samples))
        assert (RingReader(ring.name).since(0).copy().data == samples[3:]).all()
    finally:
        ring.close()


chunk_sizes = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 3), st.booleans()), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=chunk_sizes, capacity=st.integers(2, 12), k=st.sampled_from([1, 2, 7]), clocked=st.booleans())
def test_the_ring_agrees_with_a_list(steps: list[tuple[int, int, bool]], capacity: int, k: int, clocked: bool) -> None:
    """Model: all (index, tick, value) ever written, and the index at which the epoch began."""
    info = regular(k) if clocked else irregular()
    ring = RingWriter(info, fresh_name(), capacity * (info.sample_bytes + (0 if clocked else 8)))
    try:
        reader = RingReader(ring.name)
        written: list[tuple[int, int]] = []
        epoch_start, next_tick, cursor = 0, 0, 0
        for n, jump, read in steps:
            if jump == 3:
                next_tick = len(written) * 3 // k * k
                ring.restart(next_tick)
                epoch_start = len(written)
            stamps = [next_tick + i * (k if clocked else jump + 1) for i in range(n)]
            data = numbered(info, len(written), n)
            ring.write(
                Chunk(info.name, next_tick, data) if clocked else Chunk(info.name, next_tick, data, np.array(stamps))
            )
            written += [(stamp, len(written) + i) for i, stamp in enumerate(stamps)]
            if stamps:
                next_tick = stamps[-1] + (k if clocked else 1)
                ring.done(next_tick)
            oldest = max(len(written) - capacity, epoch_start)
            span = reader.span()
            assert (span.first_index, span.stop_index, span.stop_tick) == (oldest, len(written), next_tick)
            if read:
                samples = reader.since(cursor)
                expected = written[max(cursor, oldest) :]
                assert samples.n_missed == max(oldest - cursor, 0)
                assert samples.ticks().tolist() == [stamp for stamp, _ in expected]
                assert samples.copy().data[:, 0].tolist() == [value for _, value in expected]
                cursor = samples.stop_index
            a, b = sorted((span.first_tick + (n * 7) % 11, span.stop_tick - jump))
            if span.first_tick <= a <= b <= span.stop_tick:
                held = [stamp for stamp, _ in written[oldest:] if a <= stamp < b]
                assert reader.ticks(a, b).ticks().tolist() == held
    finally:
        ring.close()


def _write_in_another_process(
    name: str, budget_bytes: int, n_total: int, go: multiprocessing.synchronize.Event
) -> None:
    info = regular(shape=(27,), dtype="<i8")
    ring = RingWriter(info, name, budget_bytes)
    go.set()
    rng = np.random.default_rng(1)
    while ring.head < n_total:
        n = int(rng.integers(1, 400))
        ring.write(Chunk("nodes", ring.head, numbered(info, ring.head, n)))
    ring.close()


def test_another_process_writes_while_this_one_reads() -> None:
    """Every sample that passes `check` is right in every byte; what was missed adds up with what was seen."""
    context = multiprocessing.get_context("spawn")
    name, go, n_total = fresh_name(), context.Event(), 2_000_000
    process = context.Process(target=_write_in_another_process, args=(name, 1 << 20, n_total, go))
    process.start()
    try:
        assert go.wait(60)
        reader = RingReader(name)
        cursor = n_seen = n_missed = n_evicted = 0
        while not (reader.closed and cursor == reader.span().stop_index):
            view = reader.since(cursor)
            right = (
                all(
                    (p == np.arange(first, first + len(p))[:, None]).all()
                    for p, first in zip(
                        view.pieces, (view.first_index, view.first_index + len(view.pieces[0])), strict=False
                    )
                )
                if view.pieces
                else True
            )
            n_missed += view.n_missed
            if view.intact:
                assert right
                assert view.ticks().tolist() == list(range(view.first_index, view.stop_index))
                n_seen += len(view)
            else:
                n_evicted += len(view)
            cursor = view.stop_index
        assert n_seen + n_missed + n_evicted == cursor >= n_total
        assert n_seen > 0
    finally:
        process.join(60)
        if process.is_alive():
            process.kill()
        assert process.exitcode == 0


def test_readers_keep_what_they_have_attached() -> None:
    ring = RingWriter(regular(), fresh_name(), 6 * 10)
    reader = RingReader(ring.name)
    ring.write(Chunk("nodes", 0, numbered(ring.info, 0, 5)))
    ring.close()
    assert reader.closed
    view = reader.since(0)
    del reader
    gc.collect()
    assert view.copy().data[:, 0].tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(FileNotFoundError):
        RingReader(ring.name)


def test_views_outlive_their_reader() -> None:
    ring = RingWriter(regular(), fresh_name(), 6 * 10)
    ring.write(Chunk("nodes", 0, numbered(ring.info, 0, 5)))
    piece = RingReader(ring.name).since(0).pieces[0]
    ring.close()
    gc.collect()
    assert piece[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_closing_memory_that_is_looked_at_leaves_no_file_open() -> None:
    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        pytest.skip(f"{folder} is not there to count open files in")
    shared = create_shared(fresh_name(), 4096)
    array = shared.array(np.dtype(np.int64), 8)
    array[0] = 5
    shared.unlink()
    before = len(os.listdir(folder))
    shared.close()
    assert len(os.listdir(folder)) < before
    assert array[0] == 5


def test_a_ring_that_is_none() -> None:
    shared = create_shared(fresh_name(), 8192)
    try:
        with pytest.raises(FormatError, match="no ring"):
            RingReader(shared.name)
    finally:
        shared.unlink()
        shared.close()


def test_too_much_shared_memory_is_refused_in_words() -> None:
    with pytest.raises(StorageError, match=r"MiB of shared memory, the system refuses"):
        create_shared(fresh_name(), 1 << 50)


def test_a_ring_takes_less_where_its_budget_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_much(name: str, n_bytes: int) -> Shared:
        if n_bytes > 3 << 20:
            raise StorageError("full")
        return create_shared(name, n_bytes)

    monkeypatch.setattr("rig.process.ring.create_shared", refuse_much)
    ring = RingWriter(regular(), fresh_name(), 1 << 40)
    assert ring.capacity == (2 << 20) // 6
    ring.close()
    monkeypatch.setattr("rig.process.ring.create_shared", lambda name, n_bytes: refuse_much(name, 1 << 40))
    with pytest.raises(StorageError, match="full"):
        RingWriter(regular(), fresh_name(), 1 << 40)


def test_removing_by_name() -> None:
    shared = create_shared(fresh_name(), 4096)
    assert remove_shared(shared.name)
    assert not remove_shared(shared.name)
    with pytest.raises(FileNotFoundError):
        attach_shared(shared.name)
    shared.close()


def test_attaching_in_threads_registers_nothing() -> None:
    shared = create_shared(fresh_name(), 4096)
    try:
        threads = [threading.Thread(target=attach_shared, args=(shared.name,)) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        shared.unlink()
        shared.close()


@pytest.mark.parametrize("ending", ["pass", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_foreign_reader_takes_nothing_with_it(writer: RingWriter, ending: str) -> None:
    """A process that is no relative attaches and ends, well or badly: the ring stays and nobody complains."""
    code = textwrap.dedent(f"""
        from rig.process.ring_reader import RingReader
        reader = RingReader({writer.name!r})
        view = reader.since(0)
        print(len(view))
        import sys; sys.stdout.flush()
        {ending}
    """)
    writer.write(Chunk("nodes", 0, numbered(writer.info, 0, 4)))
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("4\n", "")
    assert len(RingReader(writer.name).since(0)) == 4


def test_a_killed_writer_leaves_no_shared() -> None:
    """Nobody is left to remove it but Python's resource tracker, which says so."""
    code = textwrap.dedent("""
        import os, signal, sys
        import numpy as np
        from rig.process.ring import RingWriter
        from rig.streams import StreamInfo, StreamKind
        ring = RingWriter(StreamInfo("a", "", StreamKind.VALUES, np.dtype("u1"), (3,), 1), sys.argv[1], 1000)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    name = fresh_name()
    subprocess.run([sys.executable, "-c", code, name], stderr=subprocess.PIPE, timeout=120)  # waits for the tracker too
    with pytest.raises(FileNotFoundError):
        attach_shared(name)
