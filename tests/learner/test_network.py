"""The network's passes and its optimiser against torch, its data and scores against what they are defined as."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_learner import TorchLearner

from subjects.learner.adamw import BETA1, BETA2, EPSILON, WEIGHT_DECAY, AdamW
from subjects.learner.clamps import Clamps, head_blocks
from subjects.learner.data import SUCCESSOR_SHARES, Kind, kinds_of_mix, new_world
from subjects.learner.network import Network
from subjects.learner.scores import copying, prefix_matching
from subjects.learner.shape import Shape, Weights, first_weights
from subjects.learner.unit_table import UnitSlices, unit_table

SHAPE = Shape(n_heads=3, width=24, n_tokens=19, context=20, batch=5)
SHAPES = [SHAPE, Shape(), Shape(n_heads=1, width=7, n_tokens=8, context=8, batch=1)]


def drawn(shape: Shape, n_more: int = 2) -> np.ndarray:
    return np.random.default_rng(1).integers(0, shape.n_tokens, (shape.batch + n_more, shape.context + 1))


def empty(shape: Shape) -> Weights:
    return shape.views(np.zeros(shape.n_weights, np.float32))


def free_clamps(shape: Shape) -> Clamps:
    return Clamps(shape, UnitSlices.of(shape), np.full(len(unit_table(shape)), np.nan, np.float32))


def assert_gradients_are_torchs(shape: Shape, found: Weights, model: TorchLearner, tokens: np.ndarray) -> None:
    model.loss(torch.from_numpy(tokens[: shape.batch])).backward()
    theirs = [model.embed, model.position, model.unembed, *model.qkv, *model.out]
    ours = [found.embed, found.position, found.unembed, *found.qkv, *found.out]
    for mine, parameter in zip(ours, theirs, strict=True):
        assert parameter.grad is not None
        expected = parameter.grad.numpy()
        np.testing.assert_allclose(mine, expected, rtol=2e-4, atol=2e-6 + 2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_passes_are_those_of_torch(shape):
    weights, gradient, tokens = first_weights(shape, 4), empty(shape), drawn(shape)
    network, free = Network(shape, 2), free_clamps(shape)
    done = network.forward(weights, tokens, free)
    model = TorchLearner(shape, weights)
    with torch.no_grad():
        logits, patterns = model(torch.from_numpy(tokens[:, :-1]))
        targets = torch.from_numpy(tokens[:, 1:])
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    for mine, theirs in zip(done.pattern, patterns, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), atol=2e-6)
    np.testing.assert_allclose(done.losses, losses.numpy(), rtol=2e-5, atol=2e-5)
    np.testing.assert_array_equal(done.right, (logits.argmax(-1) == targets).numpy())
    network.backward(weights, tokens, done, free, gradient)
    assert_gradients_are_torchs(shape, gradient, model, tokens)


@pytest.mark.parametrize(
    "held",
    [
        {"heads": {(0, 1): 0.0, (1, 2): 1.0}},
        {"directions": {(0, 3): 0.5, (1, 0): 0.0, (2, 7): -1.0}},
        {"embeddings": {4: 0.0, 7: 2.5}},
        {"heads": {(1, 0): 0.3}, "directions": {(0, 2): 1.0}, "embeddings": {1: 0.5}},
    ],
    ids=lambda held: "+".join(held),
)
def test_what_is_held_is_a_constant_of_the_network(held):
    slices = UnitSlices.of(SHAPE)
    levels = np.full(len(unit_table(SHAPE)), np.nan, np.float32)
    for (layer, head), level in held.get("heads", {}).items():
        levels[slices.heads[layer]][head] = level
    for (site, direction), level in held.get("directions", {}).items():
        levels[slices.residual[site]][direction] = level
    for token, norm in held.get("embeddings", {}).items():
        levels[slices.embed][token] = norm
    clamps = Clamps(SHAPE, slices, levels)
    weights, gradient, tokens = first_weights(SHAPE, 4), empty(SHAPE), drawn(SHAPE)
    network = Network(SHAPE, 2)
    done = network.forward(weights, tokens, clamps)
    network.backward(weights, tokens, done, clamps, gradient)
    assert_gradients_are_torchs(SHAPE, gradient, TorchLearner(SHAPE, weights, **held), tokens)


def test_held_gradients_have_the_norm_they_are_held_at():
    table = unit_table(SHAPE)
    levels = np.full(len(table), np.nan, np.float32)
    for name, norm in {"grad.L1H2.v": 0.0, "grad.L0H1.out": 3.0, "grad.embed": 0.5}.items():
        levels[table.id_of_name[name]] = norm
    gradient = empty(SHAPE)
    gradient.vector[:] = np.random.default_rng(0).standard_normal(SHAPE.n_weights)
    before = gradient.vector.copy()
    Clamps(SHAPE, UnitSlices.of(SHAPE), levels).hold_gradients(gradient)
    w, width = SHAPE.head_width, SHAPE.width
    assert not gradient.qkv[1][:, 2 * width + 2 * w : 2 * width + 3 * w].any()
    assert np.linalg.norm(gradient.out[0][w : 2 * w]) == pytest.approx(3)
    assert np.linalg.norm(gradient.embed) == pytest.approx(0.5)
    n_changed = width * w + w * width + SHAPE.n_tokens * width
    assert (gradient.vector != before).sum() == n_changed


def test_head_blocks_are_all_the_weights_of_a_layer_once():
    weights = empty(SHAPE)
    for block in head_blocks(SHAPE, weights, 1):
        block += 1
    assert (weights.qkv[1] == 1).all()
    assert (weights.out[1] == 1).all()
    assert weights.vector.sum() == weights.qkv[1].size + weights.out[1].size


def test_the_optimiser_is_torchs():
    rng = np.random.default_rng(3)
    weights = rng.standard_normal(500).astype(np.float32)
    theirs = torch.nn.Parameter(torch.from_numpy(weights.copy()))
    reference = torch.optim.AdamW([theirs], 3e-3, (BETA1, BETA2), EPSILON, WEIGHT_DECAY)
    ours = AdamW(np.zeros(500, np.float32), np.zeros(500, np.float32))
    for _ in range(40):
        gradient = rng.standard_normal(500).astype(np.float32) * np.float32(0.01)
        theirs.grad = torch.from_numpy(gradient.copy())
        reference.step()
        ours.step(weights, gradient, 3e-3)
    np.testing.assert_allclose(weights, theirs.detach().numpy(), rtol=1e-5, atol=1e-6)


# ---- data


def test_sequences_are_of_their_kinds():
    world, rng = new_world(40, 32, 5), np.random.default_rng(0)
    kinds = np.repeat([int(k) for k in (Kind.MARKOV, Kind.REPEATS, Kind.RANDOM, Kind.REPEATS)], [300, 200, 200, 50])
    tokens = world.draw(kinds, 50, rng)
    assert tokens.shape == (750, 33)
    assert (tokens >= 0).all()
    assert (tokens < 40).all()

    markov = tokens[:300]
    rank = (world.successors[markov[:, :-1]] == markov[:, 1:, None]).argmax(axis=2)
    assert (world.successors[markov[:, :-1], rank] == markov[:, 1:]).all()
    shares = np.bincount(rank.ravel(), minlength=4) / rank.size
    np.testing.assert_allclose(shares, SUCCESSOR_SHARES, atol=0.02)

    periods = set()
    for sequence in tokens[300:500]:
        period = next(p for p in range(4, 17) if (sequence[p:] == sequence[:-p]).all())
        assert len(set(sequence[:period])) == period, "a token that came twice would have two successors"
        periods.add(period)
    telling = tokens[700:, :16].ravel()
    assert np.bincount(telling, minlength=40).min() > 5
    assert len(periods) > 8, "a period that is always the same could be learned by position"
    np.testing.assert_array_equal(tokens[700:, 16:32], tokens[700:, :16])
    assert np.bincount(tokens[500:700].ravel()).std() < 40


def test_draws_do_not_depend_on_the_mix():
    world = new_world(16, 12, 0)
    one, other = np.random.default_rng(2), np.random.default_rng(2)
    a = world.draw(np.array([0, 0, 1, 1]), 1, one)
    b = world.draw(np.array([2, 1, 2, 1]), 1, other)
    np.testing.assert_array_equal(a[-1], b[-1])
    assert one.bit_generator.state == other.bit_generator.state


@pytest.mark.parametrize(
    ("shares", "counts"), [((1, 1, 0), (16, 16, 0)), ((0, 0, 2), (0, 0, 32)), ((1, 1, 1), (11, 11, 10))]
)
def test_a_mix_is_kept_in_every_batch(shares, counts):
    kinds = kinds_of_mix(dict(zip(Kind, shares, strict=True)), 32)
    assert tuple(np.bincount(kinds, minlength=3)) == counts


# ---- scores


def test_prefix_matching_is_counted_by_hand():
    pattern = np.random.default_rng(0).random((3, 2, 16, 16), np.float32)
    told = list(range(8)) * 2
    for head in range(2):
        seen = []
        for sequence in range(3):
            for asking in range(8, 16):
                first = told.index(told[asking])
                seen.append(pattern[sequence, head, asking, first + 1])
        assert prefix_matching(pattern)[head] == pytest.approx(np.mean(seen), rel=1e-5)


def test_copying_is_that_of_the_whole_circuit():
    weights = first_weights(SHAPE, 9)
    found = copying(SHAPE, weights)
    w = SHAPE.head_width
    for layer in range(2):
        for head in range(SHAPE.n_heads):
            values = weights.qkv[layer][:, 2 * SHAPE.width + head * w : 2 * SHAPE.width + (head + 1) * w]
            circuit = weights.embed @ values @ weights.out[layer][head * w : (head + 1) * w] @ weights.unembed
            eigenvalues = np.linalg.eigvals(circuit.astype(np.float64))
            expected = eigenvalues.sum().real / np.abs(eigenvalues).sum()
            assert found[layer * SHAPE.n_heads + head] == pytest.approx(expected, abs=1e-3)


def test_a_head_that_copies_scores_one():
    weights = empty(SHAPE)
    w = SHAPE.head_width
    weights.embed[:, :w] = np.random.default_rng(0).standard_normal((SHAPE.n_tokens, w))
    weights.unembed[:] = weights.embed.T
    weights.qkv[0][:w, 2 * SHAPE.width : 2 * SHAPE.width + w] = np.eye(w)
    weights.out[0][:w, :w] = np.eye(w)
    assert copying(SHAPE, weights)[0] == pytest.approx(1, abs=1e-4)
    weights.out[0][:w, :w] *= -1
    assert copying(SHAPE, weights)[0] == pytest.approx(-1, abs=1e-4)
    assert not copying(SHAPE, weights)[1:].any()
