"""The learner on the rig: that it learns, what its streams say, and what time, freezing and lesions do to it."""

from __future__ import annotations

import numpy as np
import pytest

from rig.errors import SpecError
from rig.perturbation import Perturbation, PerturbationKind
from rig.session import Session
from rig.spikes import SpikeDetector
from rig.streams import Chunk, Samples
from subjects.learner.behaviour import GAP, MEASURES, N_SHADES
from subjects.learner.data import SUCCESSOR_SHARES
from subjects.learner.opening import open_learner

SMALL = {"heads": "2", "width": "16", "vocabulary": "12", "context": "16", "batch": "8"}


def gather(chunks: list[Chunk], stream: str) -> np.ndarray:
    return np.concatenate([c.data for c in chunks if c.stream == stream])


@pytest.fixture
def session():
    with Session("learner", SMALL, seed=3) as session:
        for info in session.subject.streams:
            session.watch(info.name)
        yield session


def test_it_learns_the_markov_chain(session):
    """Down to what cannot be known: the entropy of the chain."""
    session.set_control("repeats", 0.0)
    losses = gather(session.advance(1200), "behaviour")[:, MEASURES.index("loss markov")]
    shares = np.array(SUCCESSOR_SHARES)
    entropy = -(shares * np.log(shares)).sum()
    assert losses[:20].mean() > 2.3
    assert entropy - 0.1 < losses[-200:].mean() < entropy + 0.25


def test_it_finds_an_induction_head():
    """The network as it comes: it predicts the second telling, by a head that looks where the token came
    before and one token on; it does so in the second layer, for the first cannot know what came before what."""
    with Session("learner", {}, seed=1) as session:
        session.watch("behaviour")
        session.watch("prefix_matching")
        chunks = session.advance(800)
        later = session.advance(700)
    behaviour, scores = gather(chunks, "behaviour"), gather(chunks, "prefix_matching")
    first, repeat = (behaviour[-50:, MEASURES.index(f"loss {n}")].mean() for n in ("first", "repeat"))
    hits = behaviour[:, MEASURES.index("hits repeat")]
    markov = behaviour[:, MEASURES.index("loss markov")]
    assert markov[300:400].mean() < markov[:20].mean() - 1.5, "bigrams come first"
    assert hits[300:400].mean() < 0.1
    assert hits[-50:].mean() > 0.5
    assert repeat < first - 2
    assert scores[300:400].mean(axis=0).max() < 0.1
    assert scores[-50:, 4:].mean(axis=0).max() > 0.4
    assert scores[-50:, :4].mean(axis=0).max() < 0.2
    assert gather(later, "behaviour")[-100:, MEASURES.index("loss repeat")].mean() < 0.3


def test_a_head_that_is_taken_out_looks_at_nothing(session):
    """One that is silenced still looks, though nobody hears of it."""
    lost, silenced = (session.subject.units.id_of_name[name] for name in ("L1H0", "L1H1"))
    session.perturb(Perturbation(PerturbationKind.REMOVE, (lost,), 0))
    session.perturb(Perturbation(PerturbationKind.SILENCE, (silenced,), 0))
    chunks = session.advance(20)
    for stream in ("prefix_matching", "copying"):
        scores = gather(chunks, stream)[-1]
        assert scores[2] == 0
        assert scores[[0, 1, 3]].all()
    frame = gather(chunks, "patterns")[-1]
    patterns = frame[frame != GAP].reshape(2, 16, 2, 16)
    assert not patterns[1, :, 0].any()
    assert patterns[1, :, 1].any()
    assert not gather(chunks, "activity")[:, [session.subject.units.rows([lost])[0]]].any()


def test_frozen_weights_stay(session):
    session.advance(30)
    before = session.subject._state.weights.vector.copy()
    session.set_control("freeze", True)
    chunks = session.advance(30)
    np.testing.assert_array_equal(session.subject._state.weights.vector, before)
    embeds = gather(chunks, "activity")[:, :12]
    np.testing.assert_allclose(embeds[0], np.linalg.norm(before[: 12 * 16].reshape(12, 16), axis=1), rtol=1e-6)
    assert (embeds == embeds[0]).all()


def test_a_branch_from_before_the_lesion_is_the_intact_run(session):
    session.advance(40)
    intact = session.advance(60)
    session.rewind(40)
    head = session.subject.units.id_of_name["L1H0"]
    session.perturb(Perturbation(PerturbationKind.REMOVE, (head,), 50))
    hurt = session.advance(60)
    session.rewind(40)
    again = session.advance(60)
    for stream in ("activity", "spikes", "behaviour", "patterns", "prefix_matching", "copying"):
        np.testing.assert_array_equal(gather(again, stream), gather(intact, stream))
    np.testing.assert_array_equal(gather(hurt, "activity")[:10], gather(intact, "activity")[:10])
    column = session.subject.units.rows([head])[0]
    assert not gather(hurt, "activity")[10:, column].any()
    assert gather(intact, "activity")[10:, column].all()


def test_a_blocked_gradient_leaves_weights_to_decay_alone(session):
    unit = session.subject.units.id_of_name["grad.unembed"]
    session.perturb(Perturbation(PerturbationKind.STUCK_OFF, (unit,), 0))
    weights = session.subject._state.weights.unembed.copy()
    session.advance(5)
    rate = 0.003
    np.testing.assert_allclose(session.subject._state.weights.unembed, weights * (1 - rate * 0.01) ** 5, rtol=1e-5)


def test_spikes_are_those_of_the_activity_that_learned_thresholds_find(session):
    chunks = session.advance(400)
    info = session.streams["spikes"]
    detector = SpikeDetector(info)
    spikes = detector.spikes(Samples(info, np.arange(400), gather(chunks, "spikes")))
    n_of_unit = np.bincount(spikes.channels, minlength=info.n_channels)
    assert "0.95 quantile" in info.description
    assert (n_of_unit > 0).mean() > 0.9
    assert np.unpackbits(gather(chunks, "spikes")[200:], axis=1).mean() < 0.2


def test_the_picture_holds_a_pattern_for_every_head(session):
    frames = [c for c in session.advance(10) if c.stream == "patterns"]
    ticks, data = np.concatenate([c.ticks for c in frames]), gather(frames, "patterns")
    assert ticks.tolist() == [4, 9]
    frame = data[-1]
    inside = frame != GAP
    assert inside.sum() == 2 * 2 * 16 * 16
    patterns = frame[inside].reshape(2, 16, 2, 16).transpose(0, 2, 1, 3).astype(np.float64) / (N_SHADES - 1)
    np.testing.assert_allclose(np.square(patterns).sum(axis=-1), 1, atol=0.05)
    assert not np.triu(patterns, 1).any()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"heads": "3"}, "multiple of the heads"),
        ({"context": "30"}, "multiple of 4"),
        ({"batch": "0"}, "from 1 to 128"),
        ({"width": "wide"}, "from 8 to 128"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options, says):
    with pytest.raises(SpecError, match=says):
        open_learner(options)


def test_something_must_be_read(session):
    session.set_control("markov", 0.0)
    with pytest.raises(SpecError, match="something must be read"):
        session.set_control("repeats", 0.0)
    session.set_control("random", 1.0)
    session.set_control("repeats", 0.0)
