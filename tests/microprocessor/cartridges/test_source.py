"""What is shipped is what the source says, and the maps of the RAM are the assembler's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from subjects.microprocessor.cartridges.catalogue import VARIABLES
from subjects.microprocessor.cartridges.names import GAMES

FOLDER = Path(sys.modules["subjects.microprocessor.cartridges"].__path__[0])


def assemble(name: str, folder: Path) -> tuple[bytes, dict[str, int]]:
    """A game's 4 KiB and the addresses of its labels, from ophis' own command line."""
    pytest.importorskip("Ophis", reason="ophis-asm, which assembles the games, is not installed")
    program, labels = folder / "out.bin", folder / "out.map"
    command = "from Ophis import ophis_argv; ophis_argv()"
    arguments = ["--no-branch-extend", "-q", "-o", str(program), "-m", str(labels), f"{name}.oph"]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", command, *arguments], cwd=FOLDER, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = {}
    for line in labels.read_text().splitlines():
        address, label, _ = (part.strip() for part in line.split("|"))
        found[label] = int(address.removeprefix("$"), 16)
    return program.read_bytes(), found


@pytest.fixture(scope="module", params=GAMES)
def assembled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes, dict]:
    return request.param, *assemble(request.param, tmp_path_factory.mktemp("assembled"))


def test_the_binary_is_the_source_assembled(assembled: tuple[str, bytes, dict[str, int]]):
    name, program, _ = assembled
    assert len(program) == 4096
    assert (FOLDER / f"{name}.bin").read_bytes() == program


def test_variables_lie_where_the_assembler_put_them(assembled: tuple[str, bytes, dict[str, int]]):
    name, _, labels = assembled
    variables = VARIABLES[name]
    assert len({v.name for v in variables}) == len(variables)
    for variable in variables:
        label, _, offset = variable.label.partition(" + ")
        assert variable.address == labels[label] + int(offset or 0), variable.name
        assert 0x80 <= variable.address < variable.address + variable.n_bytes <= 0xF0, "the stack lies above"


def test_every_game_is_in_the_catalogue():
    assert tuple(VARIABLES) == GAMES
