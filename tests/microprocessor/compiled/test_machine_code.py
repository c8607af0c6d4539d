"""The cache of machine code: hit, miss, torn, and nowhere to put it."""

from __future__ import annotations

import ast
import ctypes
from pathlib import Path

import pytest

from subjects.microprocessor.compiled import machine_code
from subjects.microprocessor.compiled.machine_code import MachineCode, load_code

SEVEN = "define i32 @number() {\n  ret i32 7\n}\n"


class Builder:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.n_asked = 0

    def __call__(self) -> tuple[str, dict[str, tuple[int, ...]]]:
        self.n_asked += 1
        return SEVEN, {"told": (1, 2)}


def number(code: MachineCode) -> int:
    return int(ctypes.CFUNCTYPE(ctypes.c_int32)(code.addresses["number"])())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADSTAGE_CODE_CACHE", str(tmp_path))
    return tmp_path


def test_built_once_and_then_loaded(folder: Path):
    build = Builder()
    first, second = (load_code("seven", ("number",), build) for _ in range(2))
    assert (number(first), number(second)) == (7, 7)
    # what comes from the cache and what was just built say the same
    assert first.header == second.header == {"told": [1, 2]}
    assert build.n_asked == 1
    assert len(list(folder.iterdir())) == 1
    load_code("another", ("number",), build)
    assert build.n_asked == 2


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:10], lambda b: b"", lambda b: b[:-1] + b"x"])
def test_a_torn_entry_is_built_again(folder: Path, damage):
    build = Builder()
    load_code("seven", ("number",), build)
    (entry,) = folder.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))
    assert number(load_code("seven", ("number",), build)) == 7
    assert build.n_asked == 2
    assert entry.read_bytes() == whole


def test_without_a_place_to_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HEADSTAGE_CODE_CACHE", str(tmp_path / "file"))
    build = Builder()
    assert number(load_code("seven", ("number",), build)) == 7
    assert number(load_code("seven", ("number",), build)) == 7
    assert build.n_asked == 2


def test_what_decides_the_code_is_what_the_key_is_made_of():
    """A module that the compiler imports, however indirectly, and that is not in the key would leave stale code."""
    folder = Path(machine_code.__file__).parent
    package = "subjects.microprocessor.compiled."
    found, waiting = set(), ["compiled_chip"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            tree = ast.parse((folder / f"{name}.py").read_text())
            imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
            waiting += [module.removeprefix(package) for module in imported if module.startswith(package)]
    assert sorted(found) == list(machine_code.COMPILER)
