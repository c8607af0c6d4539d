"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.subject import SubjectPlugin

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Reference netlist and golden traces, beside the repository; skipped where they are not."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the reference data are not beside this checkout (shared/data)")
    return folder


@pytest.fixture(scope="session")
def installed_chip(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with the MOS 6502, installed from the reference data as a person would; child processes see it."""
    from rig.registry import installed_plugins

    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTAGE_DATA", str(folder))
        plugin = installed_plugins()["microprocessor"]
        assert isinstance(plugin, SubjectPlugin)
        plugin.assets[0].install(shared_data / "mos6502", lambda line: None)
        yield folder
