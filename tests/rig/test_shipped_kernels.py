"""Kernels that come half compiled: of the present sources, enough for a first start, and the same chip."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zstandard

from rig import shipped_kernels as shipped
from rig.registry import open_subject

FOLDER = shipped.HOME / "rig" / "kernels"
MODULES = sorted(path.name.removesuffix(".json.zst") for path in FOLDER.iterdir())
N_TICKS = 60_000

FIRST_START = """
from numba.core import event
from rig.registry import open_subject
from tests.rig.test_shipped_kernels import samples

class Compiling(event.Listener):
    def on_start(self, told): print("compiles", told.data["dispatcher"].py_func.__qualname__)
    def on_end(self, told): pass

event.register("numba:compile", Compiling())
print(*samples("compiled"))
"""


def samples(engine: str) -> list[str]:
    """Digests of what the chip and its screen do."""
    subject = open_subject("microprocessor", {"engine": engine})
    subject.reset(0)
    digests = {stream: hashlib.sha256() for stream in ("bus", "screen")}
    for stream in digests:
        subject.watch(stream, None)
    for chunk in subject.advance(N_TICKS):
        digests[chunk.stream].update(chunk.data.tobytes())
    subject.close()
    return [digest.hexdigest() for digest in digests.values()]


def _content(module: str) -> dict[str, object]:
    packed = (FOLDER / shipped.file_name(module)).read_bytes()
    content: dict[str, object] = json.loads(zstandard.ZstdDecompressor().decompress(packed))
    return content


@pytest.mark.parametrize("module", MODULES)
def test_shipped_kernels_are_of_the_present_sources(module: str) -> None:
    told = "kernels' sources have changed: python -m app.ship_kernels, and commit rig/kernels"
    assert _content(module)["sources"] == shipped.sources_digest(module), told


def _skip_elsewhere() -> None:
    made_for = _content(MODULES[0])["made_for"]
    if made_for != shipped.made_for():
        pytest.skip(f"the kernels that are shipped are for {made_for}; this is {shipped.made_for()}")


def test_a_first_start_compiles_nothing_from_source_and_gives_the_event_engines_samples(tmp_path: Path) -> None:
    _skip_elsewhere()
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", FIRST_START]
    ran = subprocess.run(command, env=environment, cwd=shipped.HOME, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == samples("event")


def test_kernels_of_other_sources_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    _skip_elsewhere()
    assert shipped.shipped_kernels("rig.bits")
    monkeypatch.setattr(shipped, "_source", lambda module: b"x = 1" if module == "rig.errors" else None)
    assert shipped.shipped_kernels("rig.bits") == {}


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / shipped.file_name("rig.bits")).write_bytes(np.arange(100, dtype=np.uint8).tobytes())
    monkeypatch.setattr(shipped.resources, "files", lambda package: tmp_path)
    assert shipped.shipped_kernels("rig.bits") == {}
    assert shipped.shipped_kernels("rig.spikes") == {}


def test_a_digest_sees_modules_that_are_imported_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {"rig.a": b"from rig import b", "rig.b": b"import rig.c", "rig.c": b"one = 1", "rig.d": b"import os"}
    shipped._imports.cache_clear()
    monkeypatch.setattr(shipped, "_source", sources.get)
    before = {name: shipped.sources_digest(name) for name in sources}
    sources["rig.c"] = b"one = 2"
    after = {name: shipped.sources_digest(name) for name in sources}
    shipped._imports.cache_clear()
    assert [name for name in sources if before[name] != after[name]] == ["rig.a", "rig.b", "rig.c"]
