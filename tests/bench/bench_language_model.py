"""What recording a language model costs, and how fast it is beside transformers; ratios of the same run.

    python tests/bench/bench_language_model.py [--model smollm2] [--tokens 60] [--rounds 3]

One thread. Rounds go through all ways in turn, so that a busy machine hits all of them; the best of each is compared.
`recorded` is every neuron, head and residual direction of every layer, and the spikes. With TransformerLens or nnsight
installed, run theirs beside it: neither is a dependency.
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
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(asked.rounds):
        for name, go in ways.items():
            best[name] = min(best[name], go())
    reference = best["transformers fp32"]
    for name, took_s in best.items():
        rate = asked.tokens / took_s
        print(f"{name:22} {1e3 / rate:7.2f} ms a token, {rate:6.1f} a second, {reference / took_s:5.2f} x")
    for precision in ("fp32", "int8"):
        cost = best[f"ours {precision}, recorded"] / best[f"ours {precision}"] - 1
        print(f"recording costs {100 * cost:+.1f} % ({precision})")


if __name__ == "__main__":
    main()
