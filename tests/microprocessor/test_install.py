"""Installing a chip's files: from a folder, from a server, and when neither will do."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rig.data_folder import DATA_VARIABLE, data_folder
from rig.errors import AssetError
from subjects.microprocessor.install import find_chip, install_chip, install_mos6502
from subjects.microprocessor.netlist import load_netlist


def ignore(_: str) -> None:
    pass


FILES = {"nodenames.js", "segdefs.js", "transdefs.js"}


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv(DATA_VARIABLE, str(folder))
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return folder


@pytest.fixture
def own_copy(mos6502_folder: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    for name in FILES:
        shutil.copyfile(mos6502_folder / name, folder / name)
    return folder


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(own_copy: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(own_copy))) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


def test_from_a_folder(own_copy: Path, data: Path):
    told: list[str] = []
    folder = install_mos6502(own_copy, told.append)
    licences = "\n".join(told)
    assert find_chip("mos6502") == folder
    assert folder == data / "chips" / "mos6502"
    assert {path.name for path in folder.iterdir()} == FILES
    assert [path.name for path in (data / "chips").iterdir()] == ["mos6502"]
    assert load_netlist(folder).n_rows == 3510
    assert "Attribution-NonCommercial-ShareAlike 3.0" in licences
    assert "Permission is hereby granted" in licences
    assert "treat it as CC BY-NC-SA 3.0" in licences


def test_again_over_a_damaged_one(own_copy: Path):
    install_chip("mos6502", own_copy, ignore)
    damaged = find_chip("mos6502") / "segdefs.js"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(
        AssetError, match=r"segdefs.js is not the published file.*run `headstage install mos6502` again"
    ):
        find_chip("mos6502")
    install_chip("mos6502", own_copy, ignore)
    assert find_chip("mos6502") == damaged.parent


def test_absent():
    with pytest.raises(AssetError, match=r"has no segdefs.js; run `headstage install mos6502`"):
        find_chip("mos6502")


def test_unknown_chip():
    with pytest.raises(AssetError, match="asked for chip 'z99'; known are mos6502"):
        find_chip("z99")
    with pytest.raises(AssetError, match="asked for chip 'z99'"):
        install_chip("z99", None, ignore)


def test_folder_lacks_a_file(own_copy: Path, data: Path):
    (own_copy / "transdefs.js").unlink()
    with pytest.raises(AssetError, match=r"it has no transdefs.js; name the folder"):
        install_chip("mos6502", own_copy, ignore)
    assert list((data / "chips").iterdir()) == []


def test_folder_has_another_revision(own_copy: Path, data: Path):
    with (own_copy / "nodenames.js").open("a") as file:
        file.write("// one more line\n")
    with pytest.raises(AssetError, match=r"nodenames.js is not the published file: SHA-256 \w{12}"):
        install_chip("mos6502", own_copy, ignore)
    assert list((data / "chips").iterdir()) == []


def test_data_folder_cannot_be_made(own_copy: Path, data: Path):
    data.write_text("a file where the folder should be")
    with pytest.raises(AssetError, match=r"asked to install mos6502 in .*set HEADSTAGE_DATA to another folder"):
        install_chip("mos6502", own_copy, ignore)


def test_from_a_server(server: str):
    told: list[str] = []
    install_chip("mos6502", None, told.append, server)
    assert load_netlist(find_chip("mos6502")).n_transistors == 3239
    assert "Greg James" in told[-1]
    assert server in told[0]


def test_server_has_another_file(server: str, own_copy: Path, data: Path):
    (own_copy / "transdefs.js").write_text("var transdefs = [\n]\n")
    with pytest.raises(AssetError, match="what came is not the published file"):
        install_chip("mos6502", None, ignore, server)
    assert list((data / "chips").iterdir()) == []


def test_server_lacks_the_file(server: str, own_copy: Path):
    (own_copy / "transdefs.js").unlink()
    with pytest.raises(
        AssetError, match=r"transdefs.js: HTTPError; go online, or run `headstage install mos6502 --from DIR`"
    ):
        install_chip("mos6502", None, ignore, server)


def test_offline():
    with socket.socket() as bound_but_not_listening:
        bound_but_not_listening.bind(("127.0.0.1", 0))
        port = bound_but_not_listening.getsockname()[1]
        with pytest.raises(AssetError, match=r"ConnectionError; go online, or run .* --from DIR`") as caught:
            install_chip("mos6502", None, ignore, f"http://127.0.0.1:{port}/")
    assert "\n" not in str(caught.value)


def test_data_folder_of_the_person(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(DATA_VARIABLE)
    assert data_folder().name == "headstage"
