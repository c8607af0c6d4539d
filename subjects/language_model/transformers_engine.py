"""Any causal language model of transformers, by hooks on its own modules: the same units, a little slower.

What is looked for in each decoder layer: the matrix that leaves the MLP (its input is ``mlp.hook_post``), the matrix
that leaves the attention (its input is ``attn.hook_z``) and the layer itself (its output is ``hook_resid_post``). A
hook that returns something replaces it: that is how edits are made.
"""

from __future__ import annotations

import copy
import inspect
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rig.errors import AssetError
from subjects.language_model.decoder import BLOCK_ROWS
from subjects.language_model.edits import NO_EDITS, Edits
from subjects.language_model.trace import Trace

_MLP_NAMES = ("mlp", "feed_forward", "ffn", "fc2")
_MLP_EXITS = ("down_proj", "c_proj", "fc2", "dense_4h_to_h", "w2", "wo", "fc_out", "proj_out")
_ATTENTION_NAMES = ("self_attn", "attn", "attention", "self_attention")
_ATTENTION_EXITS = ("o_proj", "c_proj", "out_proj", "dense", "wo")


class TransformersEngine:
    """See the module; follows `subjects.language_model.engine.Engine`.

    Parameters
    ----------
    model : a causal language model with eager attention, which keeps its cache in layers of keys and values
    n_context : positions that can be read
    """

    def __init__(self, model: Any, n_context: int, device: str = "cpu") -> None:
        self._model = model.eval().to(device)
        config = model.config.get_text_config()
        self.device, self.n_context = device, n_context // BLOCK_ROWS * BLOCK_ROWS
        self._layers = _decoder_layers(model, int(config.num_hidden_layers))
        self.n_layers = len(self._layers)
        self.n_heads = int(config.num_attention_heads)
        self.d_model = int(config.hidden_size)
        self.n_tokens = int(model.get_output_embeddings().weight.shape[0])
        mlp_exits = [_exit(layer, _MLP_NAMES, _MLP_EXITS) for layer in self._layers]
        attention_exits = [_exit(layer, _ATTENTION_NAMES, _ATTENTION_EXITS) for layer in self._layers]
        self._written = [_rows_by_input(exit_) for exit_ in mlp_exits]
        self.d_mlp = len(self._written[0])
        self.d_head = len(_rows_by_input(attention_exits[0])) // self.n_heads
        self._norm = _final_norm(model)
        words = inspect.signature(model.forward).parameters
        self._cache_word = "cache" if "cache" in words else "past_key_values"  # as of transformers 5.24, and before
        self._edits, self._row = NO_EDITS, 0
        self._trace: Trace  # of what is being read
        for i, layer in enumerate(self._layers):
            mlp_exits[i].register_forward_pre_hook(lambda _, given, i=i: (self._on_neurons(i, given[0]),))
            attention_exits[i].register_forward_pre_hook(lambda _, given, i=i: (self._on_heads(i, given[0]),))
            layer.register_forward_hook(lambda _, given, out, i=i: self._on_residual(i, out))

    def new_cache(self) -> Any:
        from transformers import DynamicCache

        return DynamicCache()

    def cut(self, cache: Any, n: int) -> None:
        if n == 0:
            cache.layers.clear()
        elif cache.get_seq_length() > n:
            cache.crop(n)

    def cache_bytes(self, cache: Any, n: int) -> bytes:
        file = io.BytesIO()
        tensors = [t[:, :, :n].cpu().float().numpy() for layer in cache.layers for t in (layer.keys, layer.values)]
        np.savez(file, *tensors)
        return file.getvalue()

    def load_cache(self, cache: Any, blob: bytes, n: int) -> None:
        with np.load(io.BytesIO(blob), allow_pickle=False) as file:
            tensors = [torch.from_numpy(file[name]).to(self.device) for name in file.files]
        if len(tensors) not in (0, 2 * self.n_layers) or any(t.shape[2] != n for t in tensors):
            raise ValueError("its cache is of another model")
        self.cut(cache, 0)
        for i in range(0, len(tensors), 2):
            cache.update(tensors[i], tensors[i + 1], i // 2)

    @torch.inference_mode()
    def one(self, token: int, position: int, cache: Any, edits: Edits, trace: Trace) -> None:
        self._read(token, position, cache, edits, trace, 0)

    @torch.inference_mode()
    def block(self, tokens: Sequence[int], position: int, cache: Any, edits: Sequence[Edits], trace: Trace) -> slice:
        """One after the other: what edits hold may differ from token to token."""
        for row, (token, edit) in enumerate(zip(tokens, edits, strict=True)):
            self._read(token, position + row, cache, edit, trace, row)
        return slice(0, len(tokens))

    def _read(self, token: int, position: int, cache: Any, edits: Edits, trace: Trace, row: int) -> None:
        self._edits, self._trace, self._row = edits, trace, row
        out = self._model(
            input_ids=torch.tensor([[token]], device=self.device),
            position_ids=torch.tensor([[position]], device=self.device),
            use_cache=True,
            output_attentions=trace.wants_pattern,
            **{self._cache_word: cache},
        )
        logits = out.logits[0, -1].float()
        if edits.logits is not None:
            edits.logits.apply(logits)
        trace.logits[row] = logits
        if trace.wants_pattern:
            for layer, pattern in enumerate(out.attentions or ()):
                trace.pattern[row, layer, :, : position + 1] = pattern[0, :, -1, : position + 1]

    @torch.inference_mode()
    def unembed(self, x: Tensor) -> Tensor:
        head = self._model.get_output_embeddings()
        logits: Tensor = head(self._norm(x.to(head.weight.dtype))).float()
        return logits

    def written_by(self, layer: int, neuron: int) -> Tensor:
        return self._written[layer][neuron].float()

    # ---- hooks

    def _on_neurons(self, layer: int, post: Tensor) -> Tensor:
        post = post.clone()
        values = post.view(-1, self.d_mlp)[-1]  # some models flatten their batches here
        if (neurons := self._edits.neurons.get(layer)) is not None:
            neurons.apply(values)
        self._trace.neurons[self._row, layer] = values
        return post

    def _on_heads(self, layer: int, z: Tensor) -> Tensor:
        z = z.clone()
        heads = z.view(-1, self.n_heads, self.d_head)[-1]
        for edit in self._edits.heads.get(layer, ()):
            edit.apply(heads)
        self._trace.z[self._row, layer] = heads
        return z

    def _on_residual(self, layer: int, out: Any) -> Any:
        x = (out[0] if isinstance(out, tuple) else out).clone()
        values = x.view(-1, self.d_model)[-1]
        if (residual := self._edits.residual.get(layer)) is not None:
            residual.apply(values)
        for direction in self._edits.directions.get(layer, ()):
            direction.apply(values)
        self._trace.residual[self._row, layer] = values
        return (x, *out[1:]) if isinstance(out, tuple) else x


def open_with_transformers(folder: Path, n_context: int | None, device: str) -> TransformersEngine:
    """A folder of safetensors, as transformers knows it. Raises AssetError."""
    try:
        import transformers
    except ImportError:
        raise AssetError(
            "asked for engine=transformers, which is not here; run: pip install 'headstage[language]'"
        ) from None
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(
            str(folder),
            attn_implementation="eager",
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        longest = getattr(model.config.get_text_config(), "max_position_embeddings", 1024)
        return TransformersEngine(model, min(n_context or 1024, int(longest)), device)
    except AssetError:
        raise
    except Exception as error:  # whatever a library meets in a foreign folder
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise AssetError(f"asked for {folder} with engine=transformers; {line[:200]}") from None


def _decoder_layers(model: nn.Module, n: int) -> list[nn.Module]:
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == n and any(True for _ in module[0].parameters()):
            return [*module.children()]
    raise AssetError("asked for a model whose decoder layers cannot be found; it is of no kind that can be recorded")


def _exit(layer: nn.Module, parts: Sequence[str], names: Sequence[str]) -> nn.Module:
    """The matrix that leaves a part of a layer."""
    inside = [m for part in parts if (m := getattr(layer, part, None)) is not None]
    for module in [*inside, layer]:
        for name, child in module.named_modules():
            if name.rpartition(".")[2] in names and getattr(child, "weight", None) is not None:
                found: nn.Module = child
                return found
    raise AssetError(
        f"asked for a model whose layers have no {parts[0]} with one of {', '.join(names)}; it cannot be recorded"
    )


def _rows_by_input(module: nn.Module) -> Tensor:
    """(d_in, d_out) of a Linear, or of GPT-2's Conv1D, which keeps it the other way round."""
    weight: Any = module.weight
    found: Tensor = weight.detach() if type(module).__name__ == "Conv1D" else weight.detach().T
    return found


def _final_norm(model: Any) -> Any:
    """The norm before the unembedding, as the model's own module without our hooks."""
    base = model.base_model
    base = getattr(base, "decoder", base)
    for name in ("norm", "ln_f", "final_layer_norm", "final_layernorm"):
        if (module := getattr(base, name, None)) is not None:
            return copy.copy(module)
    return nn.Identity()
