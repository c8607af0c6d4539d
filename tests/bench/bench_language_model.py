"""What recording a language model costs, and how fast it is beside transformers; ratios of the same run.

    python tests/bench/bench_language_model.py [--model smollm2] [--tokens 60] [--rounds 3]

One thread. Rounds go through all ways in turn, so that a busy machine hits all of them; the best of each is compared.
`recorded` is every neuron, head and residual direction of every layer, and the spikes. With the extra `lens` installed,
TransformerLens and nnsight take the same captures beside it: what leaves the heads, the neurons and the block, of every
layer. TransformerLens's bridge keeps no cache of what was read; its tokens are read alone, with no past, which is less
work than the others do.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from rig.subject import Subject
from subjects.language_model.install import find_model
from subjects.language_model.opening import open_language_model

RECORDED = ("activity", "spikes", "text", "token")


def subject_way(model: str, precision: str, recorded: bool, n: int) -> Callable[[], float]:
    subject = open_language_model({"model": model, "precision": precision, "threads": "1", "context": "256"})
    watch(subject, recorded)
    subject.advance(8)

    def go() -> float:
        subject.reset(0)
        subject.advance(8)
        began = time.perf_counter()
        subject.advance(n)
        return time.perf_counter() - began

    return go


def watch(subject: Subject, recorded: bool) -> None:
    for stream in subject.streams:
        subject.watch(stream.name, None if recorded and stream.name in RECORDED else np.empty(0, np.int64))


def transformers_way(model: str, n: int) -> Callable[[], float]:
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    found = transformers.AutoModelForCausalLM.from_pretrained(str(find_model(model)), dtype=torch.float32).eval()

    @torch.inference_mode()
    def go() -> float:
        out = found(torch.zeros((1, 8), dtype=torch.int64), use_cache=True)
        began = time.perf_counter()
        for _ in range(n):
            token = out.logits[:, -1].argmax(-1, keepdim=True)
            out = found(token, past_key_values=out.past_key_values, use_cache=True)
        return time.perf_counter() - began

    return go


def lens_way(model: str, n: int) -> Callable[[], float]:
    """Raises ImportError: TransformerLens is not installed."""
    from transformer_lens.model_bridge import TransformerBridge

    path = str(find_model(model))
    lens = TransformerBridge.boot_transformers(path, device="cpu", dtype=torch.float32)
    lens.enable_compatibility_mode(no_processing=True)
    hooks = ("mlp.hook_post", "attn.hook_z", "hook_resid_post")
    names = [f"blocks.{layer}.{hook}" for layer in range(lens.cfg.n_layers) for hook in hooks]

    @torch.inference_mode()
    def go() -> float:
        token = torch.zeros((1, 1), dtype=torch.int64)
        began = time.perf_counter()
        for _ in range(n):
            logits, captured = lens.run_with_cache(token, names_filter=names)
            token = logits[:, -1].argmax(-1, keepdim=True)
        took_s = time.perf_counter() - began
        assert all(name in captured for name in names)
        return took_s

    return go


def nnsight_way(model: str, n: int) -> Callable[[], float]:
    """Raises ImportError: nnsight is not installed."""
    import nnsight
    import transformers

    path = str(find_model(model))
    found = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    traced = nnsight.LanguageModel(found, tokenizer=transformers.AutoTokenizer.from_pretrained(path))

    @torch.inference_mode()
    def read(tokens: torch.Tensor, cache: object) -> torch.Tensor:
        with traced.trace(tokens, past_key_values=cache, use_cache=True):
            captured = nnsight.save([])
            for layer in traced.model.layers:
                captured.append(layer.self_attn.o_proj.input)
                captured.append(layer.mlp.down_proj.input)
                captured.append(layer.output)
            logits = nnsight.save(traced.lm_head.output)
        assert len(captured) == 3 * len(found.model.layers)
        return logits

    def go() -> float:
        cache = transformers.DynamicCache()
        logits = read(torch.zeros((1, 8), dtype=torch.int64), cache)
        began = time.perf_counter()
        for _ in range(n):
            logits = read(logits[:, -1].argmax(-1, keepdim=True), cache)
        return time.perf_counter() - began

    return go


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="folio")
    parser.add_argument("--tokens", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    began = time.perf_counter()
    open_language_model({"model": asked.model, "threads": "1"})
    print(f"{asked.model} opens in {time.perf_counter() - began:.2f} s (torch imported before)")
    torch.set_num_threads(1)
    ways = {"transformers fp32": transformers_way(asked.model, asked.tokens)}
    for precision in ("fp32", "int8"):
        for recorded in (False, True):
            name = f"ours {precision}{', recorded' if recorded else ''}"
            ways[name] = subject_way(asked.model, precision, recorded, asked.tokens)
    for name, way in (("TransformerLens, captured", lens_way), ("nnsight, captured", nnsight_way)):
        try:
            ways[name] = way(asked.model, asked.tokens)
        except ImportError as error:
            print(f"{name}: not compared ({error})")
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(asked.rounds):
        for name, go in ways.items():
            best[name] = min(best[name], go())
    reference = best["transformers fp32"]
    for name, took_s in best.items():
        rate = asked.tokens / took_s
        print(f"{name:26} {1e3 / rate:7.2f} ms a token, {rate:6.1f} a second, {reference / took_s:5.2f} x")
    for precision in ("fp32", "int8"):
        cost = best[f"ours {precision}, recorded"] / best[f"ours {precision}"] - 1
        print(f"recording costs {100 * cost:+.1f} % ({precision})")


if __name__ == "__main__":
    main()
