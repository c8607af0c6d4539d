"""How the embedded model was made: its network is the decoder, its baseline a distribution, its corpus as it says."""

from __future__ import annotations

import numpy as np
import torch

from subjects.language_model.architecture import read_architecture
from subjects.language_model.decoder import Decoder
from subjects.language_model.edits import NO_EDITS
from subjects.language_model.parameters import build_parameters
from subjects.language_model.trace import Trace, UnitLayout
from subjects.language_model.training.corpus import normalised
from subjects.language_model.training.network import Network, Shape
from subjects.language_model.training.ngram import bits_per_byte


def test_the_network_is_the_decoder():
    torch.manual_seed(0)
    shape = Shape(n_tokens=50, n_layers=2, d_model=32, d_mlp=40, n_heads=4, n_kv_heads=2, n_context=32)
    network = Network(shape)
    a = read_architecture(shape.config())
    d = Decoder(a, build_parameters(a, network.state_dict(), "cpu"), "fp32", 32)
    tokens = torch.randint(0, 50, (1, 20))
    with torch.no_grad():
        expected = network(tokens)[0]
    cache = d.new_cache()
    trace = Trace(UnitLayout(2, 40, 4, 32, 0, ()), 1, 8, 32, 50)
    for position, token in enumerate(tokens[0].tolist()):
        d.one(token, position, cache, NO_EDITS, trace)
        torch.testing.assert_close(trace.logits[0], expected[position], atol=1e-4, rtol=0)


def test_the_baseline_is_a_distribution_that_learns():
    """Over all symbols after one context its probabilities sum to one; it beats chance by far on what it has seen."""
    train = b"abracadabra alakazam " * 30 + b"arcana"
    symbols = sorted(set(train))
    for context in (b"abra", b"zam ", b"nana", b"rcan"):
        p = [2.0 ** -bits_per_byte(train, context + bytes([s])) for s in symbols]
        np.testing.assert_allclose(sum(p), 1.0, rtol=1e-9)
    assert bits_per_byte(train, b"abracadabra alakazam ") < 0.5
    assert bits_per_byte(train, b"zzzzzzzzzz") > 4


def test_speakers_are_written_one_way():
    text = "Ham.\nTo be.\n\n\n\nNORFOLK. I thank your Grace,\nHealthful.  \n\nBUCKINGHAM\nAn ague\nACT I.\n"
    expected = "HAM.\nTo be.\n\nNORFOLK.\nI thank your Grace,\nHealthful.\n\nBUCKINGHAM.\nAn ague\nACT I.\n"
    assert normalised(text) == expected
