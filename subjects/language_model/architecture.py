"""What a decoder-only transformer looks like, read from the ``config.json`` of its folder.

Two families: Llama's (RMSNorm, rotary positions, gated MLP, grouped queries; Llama, Mistral, Qwen2, Qwen3, SmolLM2) and
GPT-2's (LayerNorm, learned positions, plain MLP).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rig.errors import AssetError

LLAMA_TYPES = ("llama", "mistral", "qwen2", "qwen3")
MODEL_TYPES = (*LLAMA_TYPES, "gpt2")
MAX_SIZE = 1 << 20  # of any one dimension: a config that asks for more is damaged or hostile
ACTIVATIONS = {
    "silu": "silu",
    "swish": "silu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
}


@dataclass(frozen=True)
class Architecture:
    """Sizes and kinds.

    Attributes
    ----------
    model_type : as in ``config.json``
    n_tokens : entries of the vocabulary
    n_context : positions that it was trained for
    rotary : positions by rotation of queries and keys; learned vectors otherwise
    rope_theta, rope_scaling : of the rotation; the mapping of ``config.json``, empty for none
    gated : MLP down(act(gate(x)) · up(x)); down(act(up(x))) otherwise
    query_key_norm : RMSNorm of each head's query and key (Qwen3)
    tied : the unembedding is the embedding
    """

    model_type: str
    n_tokens: int
    n_layers: int
    d_model: int
    d_mlp: int
    n_heads: int
    n_kv_heads: int
    d_head: int
    n_context: int
    norm_eps: float
    activation: str
    rotary: bool
    gated: bool
    query_key_norm: bool
    tied: bool
    rope_theta: float
    rope_scaling: Mapping[str, Any]

    @property
    def llama(self) -> bool:
        return self.model_type in LLAMA_TYPES


class OtherFamilyError(AssetError):
    """The own engine does not run models of this kind."""


def read_architecture(config: Mapping[str, Any]) -> Architecture:
    """Raises OtherFamilyError, and AssetError : sizes that do not fit together, a damaged file."""
    model_type = str(config.get("model_type", ""))
    if model_type not in MODEL_TYPES:
        raise OtherFamilyError(
            f"asked for a model of type {model_type or 'unknown'!r}; the engine runs {', '.join(MODEL_TYPES)}: "
            "give engine=transformers for others"
        )
    try:
        found = _gpt2(config) if model_type == "gpt2" else _llama(config, model_type)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise AssetError(f"the model's config.json is damaged ({error}); fetch the model again") from None
    sizes = (
        found.n_tokens, found.n_layers, found.d_model, found.d_mlp, found.n_heads, found.n_kv_heads, found.d_head,
        found.n_context,
    )  # fmt: skip
    if any(not 1 <= size <= MAX_SIZE for size in sizes) or found.n_heads % found.n_kv_heads or found.d_head % 2:
        raise AssetError(f"the model's config.json has impossible sizes {sizes}; fetch the model again")
    return found


def _llama(config: Mapping[str, Any], model_type: str) -> Architecture:
    n_heads = int(config["num_attention_heads"])
    rope = dict(config.get("rope_scaling") or config.get("rope_parameters") or {})
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "linear", "llama3"):
        raise OtherFamilyError(
            f"asked for a model with rope scaling {kind!r}; the engine knows linear and llama3: "
            "give engine=transformers"
        )
    return Architecture(
        model_type=model_type,
        n_tokens=int(config["vocab_size"]),
        n_layers=int(config["num_hidden_layers"]),
        d_model=int(config["hidden_size"]),
        d_mlp=int(config["intermediate_size"]),
        n_heads=n_heads,
        n_kv_heads=int(config.get("num_key_value_heads") or n_heads),
        d_head=int(config.get("head_dim") or int(config["hidden_size"]) // n_heads),
        n_context=int(config["max_position_embeddings"]),
        norm_eps=float(config.get("rms_norm_eps", 1e-6)),
        activation=_activation(config.get("hidden_act", "silu")),
        rotary=True,
        gated=True,
        query_key_norm=model_type == "qwen3",
        tied=bool(config.get("tie_word_embeddings", False)),
        rope_theta=float(config.get("rope_theta") or rope.get("rope_theta") or 10000.0),
        rope_scaling={} if kind == "default" else {**rope, "rope_type": kind},
    )


def _gpt2(config: Mapping[str, Any]) -> Architecture:
    n_heads, d_model = int(config["n_head"]), int(config["n_embd"])
    return Architecture(
        model_type="gpt2",
        n_tokens=int(config["vocab_size"]),
        n_layers=int(config["n_layer"]),
        d_model=d_model,
        d_mlp=int(config.get("n_inner") or 4 * d_model),
        n_heads=n_heads,
        n_kv_heads=n_heads,
        d_head=d_model // n_heads,
        n_context=int(config.get("n_positions") or config["n_ctx"]),
        norm_eps=float(config.get("layer_norm_epsilon", 1e-5)),
        activation=_activation(config.get("activation_function", "gelu_new")),
        rotary=False,
        gated=False,
        query_key_norm=False,
        tied=True,
        rope_theta=0.0,
        rope_scaling={},
    )


def _activation(name: str) -> str:
    if name not in ACTIVATIONS:
        raise OtherFamilyError(
            f"asked for a model with activation {name!r}; the engine knows {', '.join(ACTIVATIONS)}: "
            "give engine=transformers"
        )
    return ACTIVATIONS[name]
