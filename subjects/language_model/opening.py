"""From what a person types to a subject: options, the model's files, the engine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import torch

from rig.errors import AssetError, SpecError
from rig.subject import SubjectInfo
from subjects.language_model.architecture import OtherFamilyError, read_architecture
from subjects.language_model.controls import N_DIRECTIONS
from subjects.language_model.cpu.decoder import CpuDecoder
from subjects.language_model.decoder import BLOCK_ROWS, Decoder
from subjects.language_model.engine import Engine
from subjects.language_model.install import find_model
from subjects.language_model.model_files import WEIGHTS, ModelFiles, read_model
from subjects.language_model.parameters import PRECISIONS, build_parameters
from subjects.language_model.prompts import make_prompter
from subjects.language_model.stream_layouts import language_model_streams
from subjects.language_model.subject import LanguageModel
from subjects.language_model.trace import UnitLayout
from subjects.language_model.unit_table import language_model_units
from subjects.language_model.vocabulary import Vocabulary, single_tokens

DEFAULTS = {
    "model": "folio",
    "age": "",
    "precision": "fp32",
    "context": "",
    "tokens": "",
    "chat": "on",
    "engine": "auto",
    "device": "auto",
    "threads": "",
}
ENGINES = ("auto", "own", "transformers")
FOLIO_TOKENS = "love,death,king,night,Rome"
MAX_CONTEXT_UNSAID = 1024
SEMANTICS = "3"
"""Raised whenever the same model gives other samples than before; part of the fingerprint."""


def open_language_model(options: Mapping[str, str]) -> LanguageModel:
    """Open a model.

    Parameters
    ----------
    options : those that differ from DEFAULTS

    Raises
    ------
    SpecError : an option's value is none of those possible.
    AssetError : the model's files are missing, corrupt, or of a kind that is not known.
    """
    chosen = {**DEFAULTS, **options}
    for name, possible in (("precision", PRECISIONS), ("engine", ENGINES), ("chat", ("on", "off"))):
        if chosen[name] not in possible:
            raise SpecError(f"asked for {name}={chosen[name]}; it must be {' or '.join(possible)}")
    n_threads = _whole(chosen, "threads", 1, 1024) or max(1, (os.cpu_count() or 2) - 1)
    torch.set_num_threads(n_threads)
    device = _device(chosen["device"])
    files = read_model(find_model(chosen["model"]), _weights(chosen))
    remark = ""
    try:
        try:
            engine = _engine(files, chosen, device, n_threads)
        except OtherFamilyError:
            if chosen["engine"] != "auto":
                raise
            chosen["engine"] = "transformers"
            engine = _engine(files, chosen, device, n_threads)
            remark = f"{files.name} is of a family that our engine does not run: transformers' modules do, more slowly"
    except (MemoryError, torch.OutOfMemoryError):
        raise AssetError(
            f"asked for {files.name}, which needs more memory than there is; give precision=int8 or a smaller model"
        ) from None
    if chosen["engine"] == "auto":
        chosen["engine"] = "own"  # one fingerprint, whether it was said or not
    words = _words(chosen)
    vocabulary = files.vocabulary
    layout = UnitLayout(
        engine.n_layers,
        engine.d_mlp,
        engine.n_heads,
        engine.d_model,
        N_DIRECTIONS,
        tuple(single_tokens(vocabulary, words)),
    )
    prompter = make_prompter(vocabulary, _begin(files, vocabulary), chosen["chat"] == "on", engine.n_context // 2)
    return LanguageModel(
        info=_info(files, engine, chosen),
        units=language_model_units(layout, tuple(words)),
        streams=language_model_streams(layout, engine, vocabulary),
        engine=engine,
        layout=layout,
        prompter=prompter,
        remark=remark,
    )


def _engine(files: ModelFiles, chosen: Mapping[str, str], device: str, n_threads: int) -> Engine:
    n_asked = _whole(chosen, "context", 2 * BLOCK_ROWS, 1 << 20)
    if chosen["engine"] == "transformers":
        from subjects.language_model.transformers_engine import open_with_transformers

        if chosen["precision"] != "fp32":
            raise SpecError("asked for engine=transformers with precision=int8; eight bits are the own engine's")
        return open_with_transformers(find_model(chosen["model"]), n_asked, device)
    a = read_architecture(files.config)
    if n_asked is not None and n_asked > a.n_context:
        raise SpecError(f"asked for context={n_asked}; {files.name} was trained for {a.n_context}")
    n_context = (n_asked or min(a.n_context, MAX_CONTEXT_UNSAID)) // BLOCK_ROWS * BLOCK_ROWS
    if n_context < 2 * BLOCK_ROWS:
        raise SpecError(f"asked for {files.name} with a context of {n_context}; it must be {2 * BLOCK_ROWS} at least")
    parameters = build_parameters(a, files.tensors, device)
    if device == "cpu":
        return CpuDecoder(a, parameters, chosen["precision"], n_context, n_threads)
    return Decoder(a, parameters, chosen["precision"], n_context, device)


def _weights(chosen: Mapping[str, str]) -> str:
    """The file with the weights: of an age, where one is asked for."""
    age = chosen["age"]
    if not age:
        return WEIGHTS
    ages = ages_of(find_model(chosen["model"]))
    if age not in ages:
        there = f"has checkpoints at {', '.join(ages)} steps" if ages else "has no checkpoints of its youth"
        raise SpecError(f"asked for age={age}; {chosen['model']} {there}")
    return f"step-{age}.safetensors"


def ages_of(folder: Path) -> list[str]:
    """Steps of training at which there are checkpoints, fewest first."""
    if not folder.is_dir():
        return []
    steps = [p.name.removeprefix("step-").removesuffix(".safetensors") for p in folder.glob("step-*.safetensors")]
    return sorted((s for s in steps if s.isdecimal()), key=int)


def _words(chosen: Mapping[str, str]) -> list[str]:
    """Chosen tokens as written, without repeats."""
    text = chosen["tokens"] or (FOLIO_TOKENS if chosen["model"] == DEFAULTS["model"] else "")
    return list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def _begin(files: ModelFiles, vocabulary: Vocabulary) -> int:
    ends = files.config.get("eos_token_id")
    end = ends[0] if isinstance(ends, list) and ends else ends
    found = next((t for t in (vocabulary.begin, end) if isinstance(t, int)), 0)
    return found if 0 <= found < max(len(vocabulary.token_bytes), 1) else 0


def _info(files: ModelFiles, engine: Engine, chosen: Mapping[str, str]) -> SubjectInfo:
    card = files.card
    title = card.get("title", files.name)
    age = f", {chosen['age']} steps old" if chosen["age"] else ""
    digest = hashlib.sha256()
    told = ("age", "precision", "engine", "tokens", "chat")
    for text in (SEMANTICS, files.fingerprint, str(engine.n_context), *(chosen[name] for name in told)):
        digest.update(text.encode() + b"\0")
    return SubjectInfo(
        name=f"{title}{age}" + (f" · {chosen['precision']}" if chosen["precision"] != "fp32" else ""),
        kind="language model",
        description=(
            f"{engine.n_layers} layers of {engine.d_mlp} neurons and {engine.n_heads} heads, {engine.d_model} residual "
            f"directions; {engine.n_tokens} tokens, {engine.n_context} of them in view"
        ),
        source=card.get("source", f"the files of {files.name}"),
        licence=card.get("licence", "its publisher's"),
        tick_name="token",
        tick_hz=0.0,
        space="schematic",
        options={name: value for name, value in chosen.items() if value},
        fingerprint=digest.hexdigest(),
    )


def _device(asked: str) -> str:
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if asked not in ("cpu", "cuda"):
        raise SpecError(f"asked for device={asked}; it must be auto, cpu or cuda")
    if asked == "cuda" and not torch.cuda.is_available():
        raise SpecError("asked for device=cuda; this computer has none that can be used: give device=cpu")
    return asked


def _whole(chosen: Mapping[str, str], name: str, low: int, high: int) -> int | None:
    text = chosen[name]
    if not text:
        return None
    if not text.isdecimal() or not low <= int(text) <= high:
        raise SpecError(f"asked for {name}={text}; it must be a whole number from {low} to {high}")
    return int(text)
