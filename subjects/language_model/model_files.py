"""A model in files: a folder with ``config.json``, ``tokenizer.json`` and safetensors, or one GGUF file.

Nothing in them is ever executed: weights are safetensors or GGUF, never pickles.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rig.errors import AssetError
from subjects.language_model.gguf_file import read_gguf
from subjects.language_model.vocabulary import LibraryVocabulary, Vocabulary, read_vocabulary

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
WEIGHTS = "model.safetensors"
MAX_JSON_BYTES = 64 << 20


@dataclass(frozen=True, eq=False)
class ModelFiles:
    """A model, read.

    Attributes
    ----------
    name : of the folder or file
    config : its config.json
    tensors : by the names of published checkpoints, in the files' own precision
    vocabulary : its tokens
    card : facts for the person: title, source, licence, description; empty where the files have none
    fingerprint : SHA-256 over everything that was read
    """

    name: str
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    vocabulary: Vocabulary
    card: Mapping[str, str]
    fingerprint: str


def read_model(path: Path, weights: str = WEIGHTS) -> ModelFiles:
    """Read a folder or a GGUF file.

    Parameters
    ----------
    weights : name of the file with the weights, in a folder

    Raises
    ------
    AssetError : missing, cut short, foreign, or a pickle.
    """
    if path.is_file():
        _refuse_pickle(path)
        config, tensors, content = read_gguf(path)
        vocabulary: Vocabulary = LibraryVocabulary(path, content, config["bos_token_id"])
        return ModelFiles(path.stem, config, tensors, vocabulary, {}, _digest([path]))
    if not path.is_dir():
        raise AssetError(f"asked for the model {path}; there is neither a folder nor a GGUF file")
    config = read_json(path / "config.json")
    files = weight_files(path, weights)
    card = read_json(path / "card.json") if (path / "card.json").is_file() else {}
    return ModelFiles(
        name=path.name,
        config=config,
        tensors=read_safetensors(files),
        vocabulary=read_vocabulary(path / "tokenizer.json", _single(config.get("bos_token_id"))),
        card={str(k): str(v) for k, v in card.items()},
        fingerprint=_digest([path / "config.json", path / "tokenizer.json", *files]),
    )


def weight_files(folder: Path, weights: str = WEIGHTS) -> list[Path]:
    """The safetensors of a folder, one or many. Raises AssetError."""
    if (folder / weights).is_file():
        return [folder / weights]
    index = folder / f"{weights}.index.json"
    if index.is_file():
        names = sorted({str(name) for name in dict(read_json(index).get("weight_map", {})).values()})
        absent = [n for n in names if Path(n).name != n or not (folder / n).is_file()]
        if not names or absent:
            raise AssetError(f"{index} names {absent[0] if absent else 'no files'}, which is not there; fetch it again")
        return [folder / name for name in names]
    pickles = [p.name for p in sorted(folder.iterdir()) if p.suffix in PICKLES]
    if pickles:
        _refuse_pickle(folder / pickles[0])
    raise AssetError(f"asked for the model in {folder}; it has no {weights}: fetch it again")


def read_safetensors(files: list[Path]) -> dict[str, Tensor]:
    """All tensors; eight-bit ones with a scale a row (``NAME_scale``) as float32. Raises AssetError."""
    from safetensors import SafetensorError, safe_open

    tensors: dict[str, Tensor] = {}
    for path in files:
        try:
            with safe_open(str(path), framework="pt") as file:
                tensors |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, ValueError) as error:
            raise AssetError(f"{path} is no whole safetensors file ({error}); fetch it again") from None
    for name in [n for n, t in tensors.items() if t.dtype == torch.int8]:
        scale = tensors.pop(f"{name}_scale", None)
        if scale is None or scale.shape != tensors[name].shape[:1]:
            raise AssetError(f"{files[0]} has eight-bit {name!r} without a scale a row; fetch it again")
        tensors[name] = tensors[name].float() * scale.float()[:, None]
    return tensors


def read_json(path: Path) -> dict[str, Any]:
    """Raises AssetError."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise AssetError(f"{path} has {path.stat().st_size} bytes; a config has less than {MAX_JSON_BYTES}")
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AssetError(f"asked for {path}; {error.strerror}: name a folder with a model's files") from None
    except ValueError:
        raise AssetError(f"{path} is no JSON; fetch it again") from None
    if not isinstance(value, dict):
        raise AssetError(f"{path} holds no facts about a model; fetch it again")
    return value


def _refuse_pickle(path: Path) -> None:
    if path.suffix in PICKLES:
        raise AssetError(
            f"asked for {path}; pickles can run code and are refused: use the safetensors or GGUF of this model"
        )


def _single(value: Any) -> int | None:
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, int) else None


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
