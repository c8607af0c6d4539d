"""Training steps a second: the learner with everything recorded, against torch's automatic differentiation and AdamW.

    python tests/bench/bench_learner.py

Both use one thread and the same network, batch and data; the reference reads the batch alone and records nothing. The
two take turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "learner"))
from torch_learner import TorchLearner

from subjects.learner import PLUGIN
from subjects.learner.adamw import BETA1, BETA2, EPSILON, WEIGHT_DECAY
from subjects.learner.data import Kind, kinds_of_mix, new_world
from subjects.learner.shape import Shape, first_weights

N_STEPS, N_TURNS = 40, 8


def main() -> None:
    torch.set_num_threads(1)
    shape = Shape()
    model = TorchLearner(shape, first_weights(shape, 0))
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3, (BETA1, BETA2), EPSILON, WEIGHT_DECAY)
    world, rng = new_world(shape.n_tokens, shape.context, 0), np.random.default_rng(0)
    kinds = kinds_of_mix({Kind.MARKOV: 1, Kind.REPEATS: 1, Kind.RANDOM: 0}, shape.batch)

    def reference() -> None:
        for _ in range(N_STEPS):
            loss = model.loss(torch.from_numpy(world.draw(kinds, 0, rng)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    bare, recorded = PLUGIN.open({}), PLUGIN.open({})
    for stream in recorded.streams:
        recorded.watch(stream.name, None)
    runs = {
        "torch autograd": reference,
        "learner, unwatched": lambda: bare.advance(N_STEPS),
        "learner, everything recorded": lambda: recorded.advance(N_STEPS),
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(N_TURNS + 1):
        for name, run in runs.items():
            begun = time.perf_counter()
            run()
            if turn:  # the first compiles and warms up
                times[name].append(time.perf_counter() - begun)
    of_reference = np.median(times["torch autograd"])
    for name, seconds in times.items():
        median = float(np.median(seconds))
        print(f"{name:30} {N_STEPS / median:6.1f} steps/s   x {of_reference / median:.2f} of torch autograd")


if __name__ == "__main__":
    main()
