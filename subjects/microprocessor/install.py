"""Getting a chip's files, which are not ours to ship: from the project that published them, or from a folder.

Either way each file is compared with the SHA-256 of the one that this package was tested with.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests

from rig.data_folder import DATA_VARIABLE, data_folder
from rig.errors import AssetError


@dataclass(frozen=True)
class PublishedFile:
    """A file as published: its name and SHA-256, and what to say of its licence when the file itself is silent."""

    name: str
    sha256: str
    licence: str = ""


@dataclass(frozen=True)
class PublishedChip:
    """Where a chip's files come from; `base_url` ends in a slash."""

    name: str
    base_url: str
    files: tuple[PublishedFile, ...]


MOS6502_FILES = PublishedChip(
    name="mos6502",
    # 2022-03-06, the revision that the golden traces were made from
    base_url="https://raw.githubusercontent.com/trebonian/visual6502/d8ecc129b34e0eaf320e0400fcf33329475bdb1e/",
    files=(
        PublishedFile("segdefs.js", "52bec71bdee12e8bca8bffb15753a9472b17c3e69878f1bb1fc8881ca7356e2e"),
        PublishedFile(
            "transdefs.js",
            "d49b4a9b3c4969048ca6a82d5c2338d3699fb96cee25b34e85630854cd8443d2",
            licence="No notice in the file. The same table inside the project's expert-allinone.js carries that of "
            "segdefs.js: treat it as CC BY-NC-SA 3.0.",
        ),
        PublishedFile("nodenames.js", "82d676dabc3e190a50c1ac41b44c0e30c5d0a4675d30827333427ae67eefdf37"),
    ),
)

PUBLISHED = {chip.name: chip for chip in (MOS6502_FILES,)}


def find_chip(name: str) -> Path:
    """Folder with a chip's files, as installed.

    Raises
    ------
    AssetError : not installed, or a file is not the published one.
    """
    chip = _published(name)
    folder = data_folder() / "chips" / chip.name
    absent = [file.name for file in chip.files if not (folder / file.name).is_file()]
    if absent:
        raise AssetError(f"asked for chip {name}, {folder} has no {absent[0]}; run `headstage install {name}`")
    for file in chip.files:
        _check(folder / file.name, file, f"run `headstage install {name}` again")
    return folder


def is_installed(name: str) -> bool:
    """Whether a chip's files are there; whether they are right is seen when they are opened."""
    chip = _published(name)
    return all((data_folder() / "chips" / chip.name / file.name).is_file() for file in chip.files)


def install_mos6502(source: Path | None, tell: Callable[[str], None]) -> Path:
    """Install the MOS 6502; see `install_chip`."""
    return install_chip("mos6502", source, tell)


def install_chip(name: str, source: Path | None, tell: Callable[[str], None], base_url: str | None = None) -> Path:
    """Download a chip's files, or copy them from a folder; return the folder they are in.

    Nothing is put in place before all files are there and right.

    Parameters
    ----------
    source : folder to copy from; None downloads
    tell : takes lines for the person: what is fetched from where, and the licences
    base_url : another place to download from

    Raises
    ------
    AssetError : a file cannot be fetched or is not the published one.
    """
    chip = _published(name)
    folder = data_folder() / "chips" / chip.name
    arriving = folder.with_name(f".{chip.name}.arriving")
    try:
        shutil.rmtree(arriving, ignore_errors=True)
        arriving.mkdir(parents=True)
        for file in chip.files:
            tell(f"{file.name} from {source or base_url or chip.base_url}")
            if source is None:
                _download(base_url or chip.base_url, file, arriving, name)
            else:
                _copy(source, file, arriving)
        folder.mkdir(exist_ok=True)
        for file in chip.files:
            (arriving / file.name).replace(folder / file.name)
    except OSError as error:
        raise AssetError(
            f"asked to install {name} in {folder}: {error.strerror or error}; "
            f"make room there or set {DATA_VARIABLE} to another folder"
        ) from None
    finally:
        shutil.rmtree(arriving, ignore_errors=True)
    tell(licence_text(chip, folder))
    return folder


def licence_text(chip: PublishedChip, folder: Path) -> str:
    """What each installed file says about its licence in its opening comment."""
    parts = [f"{chip.name} was published at {chip.base_url}"]
    for file in chip.files:
        text = (folder / file.name).read_text(encoding="utf-8")
        notice = re.match(r"\s*/\*(.*?)\*/", text, re.DOTALL)
        parts.append(f"{file.name}:\n{notice[1].strip() if notice else file.licence}")
    return "\n\n".join(parts)


def _published(name: str) -> PublishedChip:
    if name not in PUBLISHED:
        raise AssetError(f"asked for chip {name!r}; known are {', '.join(PUBLISHED)}")
    return PUBLISHED[name]


def _download(base_url: str, file: PublishedFile, folder: Path, name: str) -> None:
    pooch.get_logger().setLevel("WARNING")  # what is fetched from where is told in our words already
    try:
        pooch.retrieve(
            url=base_url + file.name,
            known_hash=f"sha256:{file.sha256}",
            fname=file.name,
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=False, timeout=60),
        )
    except requests.RequestException as error:
        raise AssetError(
            f"asked to fetch {base_url}{file.name}: {type(error).__name__}; "
            f"go online, or run `headstage install {name} --from DIR` with a folder that has the files"
        ) from None
    except ValueError:
        raise AssetError(
            f"asked to fetch {base_url}{file.name}: what came is not the published file "
            f"(SHA-256 {file.sha256[:12]}...); run `headstage install {name} --from DIR` with a folder that has it"
        ) from None


def _copy(source: Path, file: PublishedFile, folder: Path) -> None:
    if not (source / file.name).is_file():
        raise AssetError(
            f"asked to copy from {source}, it has no {file.name}; name the folder with the published files"
        )
    _check(source / file.name, file, "use the file of the published revision")
    shutil.copyfile(source / file.name, folder / file.name)


def _check(path: Path, file: PublishedFile, remedy: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != file.sha256:
        raise AssetError(
            f"{path} is not the published file: SHA-256 {found[:12]}..., expected {file.sha256[:12]}...; {remedy}"
        )
