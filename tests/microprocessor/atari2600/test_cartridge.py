"""Cartridges: what is plugged in, and one clear line when it cannot be."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rig.errors import AssetError
from subjects.microprocessor.atari2600.cartridge import Cartridge, ale_cartridge, load_cartridge, open_cartridge
from subjects.microprocessor.cartridges.names import GAMES


def rom_file(folder: Path, n_bytes: int) -> Path:
    path = folder / "own.bin"
    path.write_bytes(bytes(i % 251 for i in range(n_bytes)))
    return path


def test_four_kibytes_are_taken_as_they_are(tmp_path: Path) -> None:
    path = rom_file(tmp_path, 4096)
    cartridge = load_cartridge(path)
    assert cartridge.name == "own"
    assert cartridge.image.tobytes() == path.read_bytes()
    assert cartridge.md5 == hashlib.md5(path.read_bytes()).hexdigest()
    assert (cartridge.licence, cartridge.variables) == ("its owner's", ())


def test_two_kibytes_appear_twice(tmp_path: Path) -> None:
    path = rom_file(tmp_path, 2048)
    assert load_cartridge(path).image.tobytes() == path.read_bytes() * 2


@pytest.mark.parametrize("n_bytes", [0, 2047, 4097, 8192])
def test_other_sizes_are_refused(tmp_path: Path, n_bytes: int) -> None:
    with pytest.raises(AssetError, match=rf"own\.bin.*has {n_bytes} bytes.*2048 or 4096"):
        load_cartridge(rom_file(tmp_path, n_bytes))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"absent\.bin.*give the path"):
        open_cartridge(str(tmp_path / "absent.bin"))


def test_a_folder_is_no_cartridge(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="give the path"):
        load_cartridge(tmp_path)


def test_a_path_is_told_from_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rom_file(tmp_path, 4096)
    monkeypatch.chdir(tmp_path)
    assert open_cartridge("own.bin").name == "own"
    assert open_cartridge("./own.bin").name == "own"


def test_our_own_games_are_there_by_name_without_ale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ale_py", None)
    for name in GAMES:
        cartridge = open_cartridge(name)
        assert (cartridge.name, len(cartridge.image)) == (name, 4096)
        assert cartridge.licence.startswith("MIT")
        assert cartridge.variables


def test_a_name_is_looked_up_in_ale(game: Callable[[str], Cartridge]) -> None:
    cartridge = open_cartridge("space_invaders")
    assert cartridge.name == "space_invaders"
    assert cartridge.md5 == "72ffbef6504b75e69ee1045af9075f66"
    np.testing.assert_array_equal(cartridge.image, game("space_invaders").image)


def test_an_unknown_name_is_refused(game: Callable[[str], Cartridge]) -> None:
    with pytest.raises(AssetError, match=r"'space_invaderz'.*space_invaders"):
        game("space_invaderz")


def test_ale_is_not_needed_until_a_name_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(AssetError, match=r"'pitfall' by name, but ale-py is not installed.*headstage\[atari\]"):
        ale_cartridge("pitfall")


def test_a_file_that_ale_lacks_is_reported(
    game: Callable[[str], Cartridge], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    with pytest.raises(AssetError, match=r"'pitfall'.*reinstall ale-py or give a path"):
        game("pitfall")
