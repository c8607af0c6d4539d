"""The subject: what it reads and writes, what perturbations do to it, against transformers where that can tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from rig.contract import check_chunks
from rig.divergence import kl_divergence
from rig.errors import SpecError
from rig.perturbation import Perturbation, PerturbationKind
from rig.presentation import present
from rig.selectivity import selectivity
from rig.session import Session
from rig.streams import Samples
from rig.subject import Subject
from rig.texts import concept_moments, texts_of
from subjects.language_model import PLUGIN
from subjects.language_model.sampling import draw, uniform

Kind = PerturbationKind


def run(subject: Subject, n: int, *streams: str) -> dict[str, np.ndarray]:
    names = streams or tuple(s.name for s in subject.streams)
    for stream in subject.streams:
        subject.watch(stream.name, None if stream.name in names else np.empty(0, np.int64))
    start = subject.tick
    chunks = subject.advance(n)
    check_chunks({s.name: s for s in subject.streams if s.name in names}, start, start + n, chunks)
    return {name: np.concatenate([c.data for c in chunks if c.stream == name]) for name in names}


def written(cells: np.ndarray) -> str:
    return bytes(cells[cells != 0]).decode()


@pytest.fixture
def tiny(tiny_folder: Path) -> Subject:
    return PLUGIN.open({"model": str(tiny_folder), "threads": "1"})


@pytest.fixture(scope="module")
def folio() -> Subject:
    return PLUGIN.open({"threads": "1"})


@pytest.fixture(scope="module")
def reference(tiny_folder: Path) -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(str(tiny_folder), attn_implementation="eager").eval()


def test_it_writes_verse_with_speakers(folio: Subject):
    folio.reset(3)
    folio.set_control("prompt", "\\n\\nROMEO.\\n")
    text = written(run(folio, 400, "text")["text"])
    assert text.startswith("\n\nROMEO.\n")
    assert len(re.findall(r"^[A-Z][A-Z ]+\.$", text, re.MULTILINE)) >= 4
    assert np.mean([len(line) for line in text.splitlines() if line]) < 60


def test_greedy_is_transformers_greedy(tiny: Subject, reference: Any):
    tiny.set_control("temperature", 0.0)
    tokens = run(tiny, 60, "token")["token"]["token"]
    with torch.no_grad():
        expected = reference.generate(torch.tensor([[0]]), max_new_tokens=59, do_sample=False, eos_token_id=None)
    assert tokens.tolist() == expected[0].tolist()


def logits_of(reference: Any, tokens: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return reference(torch.tensor(tokens[None].astype(np.int64))).logits[0].log_softmax(-1).numpy()


def test_what_it_says_of_what_comes_next(tiny: Subject, reference: Any):
    tiny.set_control("prompt", "to be or not to be")
    found = run(tiny, 60)
    log_p = logits_of(reference, found["token"]["token"])
    np.testing.assert_allclose(found["log_probability"], log_p, atol=1e-3)
    p = np.exp(log_p)
    np.testing.assert_allclose(found["token"]["entropy"], -(p * log_p).sum(1) / np.log(2), atol=1e-3)
    chosen = p[np.arange(59), found["token"]["token"][1:]]
    np.testing.assert_allclose(found["token"]["probability"], [1.0, *chosen], atol=1e-3)
    np.testing.assert_allclose(found["top_probabilities"], -np.sort(-p)[:, :8], atol=1e-3)
    assert (found["top_tokens"][:, 0] == p.argmax(1)).all()
    np.testing.assert_array_equal(found["logit_lens"][:, -1], found["top_tokens"][:, 0])
    n_given = int(found["token"]["given"].sum())
    assert written(found["text"][:n_given]) == "to be or not to be"


def test_sampling_follows_the_distribution():
    logits = np.log(np.array([0.5, 0.25, 0.15, 0.1], np.float32))
    drawn = [draw(logits, 1.0, 1.0, uniform(1, 0, t)) for t in range(4000)]
    np.testing.assert_allclose(np.bincount(drawn) / 4000, [0.5, 0.25, 0.15, 0.1], atol=0.03)
    nucleus = {draw(logits, 1.0, 0.7, uniform(2, 0, t)) for t in range(500)}
    assert nucleus == {0, 1}
    assert {draw(logits, 0.0, 1.0, u) for u in (0.0, 0.99)} == {0}
    many = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    order = np.argsort(-many)
    assert draw(many, 1.0, 0.999, 0.0) == order[0]
    assert draw(many, 1.0, 1.0, 1 - 1e-12) == order[-1]


def test_it_waits_for_a_prompt_and_goes_on(tiny: Subject):
    tiny.set_control("write", False)
    found = run(tiny, 5)
    assert found["token"]["token"].tolist() == [0, -1, -1, -1, -1]
    assert not found["activity"][1:].any()
    assert tiny.idle
    tiny.set_control("prompt", "on")
    assert not tiny.idle
    assert written(run(tiny, 4, "text")["text"]) == "on"
    tiny.set_control("write", True)
    assert (run(tiny, 4, "token")["token"]["token"] >= 0).all()


def test_a_prompt_that_is_too_long(tiny: Subject):
    with pytest.raises(SpecError, match="32 at once"):
        tiny.set_control("prompt", "z" * 33)
    assert run(tiny, 3, "token")["token"]["given"].tolist() == [1, 0, 0]


def test_a_full_context_goes_on_from_its_newer_half(tiny: Subject, reference: Any):
    """64 tokens fit; the 65th is read after the begin token and the last 32."""
    found = run(tiny, 65, "token", "log_probability")
    kept = found["token"]["token"][[0, *range(32, 65)]]
    np.testing.assert_allclose(found["log_probability"][64], logits_of(reference, kept)[-1], atol=1e-3)


def perturbed_logits(reference: Any, tokens: np.ndarray, layer: int, neuron: int, value: float, first: int) -> Any:
    """A neuron clamped by hand from a position on."""

    def clamp(_: Any, given: Any) -> Any:
        post = given[0].clone()
        post[:, first:, neuron] = value
        return (post,)

    handle = reference.model.layers[layer].mlp.down_proj.register_forward_pre_hook(clamp)
    try:
        return logits_of(reference, tokens)
    finally:
        handle.remove()


@pytest.mark.parametrize("history", ["from now", "rewrite history"])
def test_both_ways_with_history(tiny: Subject, reference: Any, history: str):
    """From now on, what was read keeps its keys and values; rewritten, all of it is as if the clamp had always been."""
    unit = tiny.units.id_of_name["L0N5"]
    tiny.set_control("history", history)
    tiny.perturb(Perturbation(Kind.DRIVE, (unit,), 30, 45, amplitude=3.0))
    found = run(tiny, 60, "token", "log_probability")
    first = 30 if history == "from now" else 0
    expected = perturbed_logits(reference, found["token"]["token"][:45], 0, 5, 3.0, first)
    np.testing.assert_allclose(found["log_probability"][30:45], expected[30:], atol=1e-3)
    if history == "rewrite history":  # and its end undoes all of it
        np.testing.assert_allclose(
            found["log_probability"][45:], logits_of(reference, found["token"]["token"])[45:], atol=1e-3
        )


def one_with(tiny: Subject, kind: Kind, name: str, **more: Any) -> np.ndarray:
    tiny.reset(0)
    unit = tiny.units.id_of_name[name]
    tiny.perturb(Perturbation(kind, (unit,), 10, 20, **more))
    return run(tiny, 22, "activity")["activity"][:, unit]


def test_every_kind_does_what_it_says(tiny: Subject):
    for name in ("L1N3", "L1H2", "L0R4"):
        tiny.reset(0)
        free = run(tiny, 22, "activity")["activity"][:, tiny.units.id_of_name[name]]
        np.testing.assert_array_equal(one_with(tiny, Kind.SILENCE, name)[10:20], 0)
        np.testing.assert_allclose(one_with(tiny, Kind.DRIVE, name, amplitude=0.7)[10:20], 0.7, rtol=1e-5)
        np.testing.assert_allclose(one_with(tiny, Kind.SCALE, name, amplitude=3.0)[10], 3 * free[10], rtol=1e-4)
        np.testing.assert_allclose(one_with(tiny, Kind.ADD, name, amplitude=0.5)[10], free[10] + 0.5, rtol=1e-4)
        half = one_with(tiny, Kind.SILENCE, name, weights=(0.5,))
        np.testing.assert_allclose(half[10], free[10] / 2, rtol=1e-4)
        waveform = tuple((0.1 * i + 0.1,) for i in range(10))
        patched = one_with(tiny, Kind.PATCH, name, waveform=waveform)
        np.testing.assert_allclose(patched[10:20], np.ravel(waveform), rtol=1e-4)
        resampled = one_with(tiny, Kind.RESAMPLE, name)[10:20]
        assert len(np.unique(resampled)) > 5
        mean = one_with(tiny, Kind.MEAN, name)[10:20]
        assert np.ptp(mean) < 1e-6
        if name != "L1H2":  # of a head the mean is of its vector, whose norm is another number
            assert abs(mean[0] - resampled.mean()) < 3 * resampled.std()


def test_directions(tiny: Subject, reference: Any):
    tiny.set_control("direction_1", "L0N5")
    tiny.set_control("direction_2", "L1: to be | not")
    wrote = reference.model.layers[0].mlp.down_proj.weight.detach()[:, 5].numpy()
    found = run(tiny, 10, "activity")["activity"]
    at = tiny.units.id_of_name
    residual = found[:, at["L0R0"] : at["L0R0"] + 16]
    np.testing.assert_allclose(found[:, at["dir1"]], residual @ wrote / (wrote @ wrote), atol=1e-4)
    ends = []
    for text in ("to be", "not"):
        tokens = torch.tensor([[0, *tiny._prompter.vocabulary.encode(text)]])
        with torch.no_grad():  # the last hidden state is normed: take the layer's own output
            seen: list[torch.Tensor] = []
            handle = reference.model.layers[1].register_forward_hook(
                lambda _, x, y, seen=seen: seen.append(y[0] if isinstance(y, tuple) else y)
            )
            reference(tokens)
            handle.remove()
        ends.append(seen[0].reshape(-1, 16)[-1].numpy())
    contrast = ends[0] - ends[1]
    residual = found[:, at["L1R0"] : at["L1R0"] + 16]
    np.testing.assert_allclose(found[:, at["dir2"]], residual @ contrast / (contrast @ contrast), atol=1e-3)
    tiny.perturb(Perturbation(Kind.DRIVE, (at["dir2"],), tiny.tick, None, amplitude=2.0))
    np.testing.assert_allclose(run(tiny, 5, "activity")["activity"][:, at["dir2"]], 2.0, rtol=1e-4)
    for text, words in (
        ("L9N1", "layers 0 to 1"),
        ("L0N99", "neurons 0 to 23"),
        ("sideways", "write"),
        ("L0 = 1 2", "takes 16"),
        ("L0: a | a", "no length"),
    ):
        with pytest.raises(SpecError, match=words):
            tiny.set_control("direction_3", text)
    with pytest.raises(SpecError, match="set the control direction_3"):
        tiny.perturb(Perturbation(Kind.ADD, (at["dir3"],), tiny.tick))


def test_the_twin_draws_the_same_numbers_and_says_how_far_apart_they_are():
    with Session("language-model", {"threads": "1"}, 3) as session:
        session.watch("text", None)
        session.watch("log_probability", None)
        session.advance(10)
        session.set_twin(True)
        unit = session.subject.units.id_of_name["L2H3"]
        session.perturb(Perturbation(Kind.REMOVE, (unit,), 20))
        found: dict[str, np.ndarray] = {}
        chunks = session.advance(40)
        for name in session.streams:
            found[name] = np.concatenate([c.data for c in chunks if c.stream == name])
    assert session.twin is not None
    assert session.twin.first_difference == 20
    assert not found["divergence"][:10].any()
    np.testing.assert_allclose(
        found["divergence"], kl_divergence(found["log_probability"], found["twin.log_probability"]), rtol=1e-5
    )
    assert (found["divergence"][10:] > 0).all()
    assert written(found["text"][:10]) == written(found["twin.text"][:10])


def test_spikes_come_at_the_quantile_they_promise(folio: Subject):
    folio.reset(1)
    bits = run(folio, 500, "spikes")["spikes"]
    on = np.unpackbits(bits, axis=1, count=len(folio.units), bitorder="little")[200:]
    neurons = on[:, : 6 * 512].mean(axis=0)
    assert neurons.mean() == pytest.approx(0.05, abs=0.015)
    assert np.quantile(neurons, 0.9) < 0.12


def test_units_that_know_a_concept(folio: Subject):
    """Silencing the ones found changes what is said after the concept; a list is put to it and taken back."""
    folio.reset(2)
    before = folio.snapshot()
    layouts = {s.name: s for s in folio.streams if s.name in ("activity", "text")}
    prompts = [
        "The king is dead, my lord, the king.",
        "My heart is full of love, sweet love.",
        "Good night, good night!",
    ]
    shown = present(folio, "prompt", prompts, 16, layouts, {})
    assert folio.snapshot() == before
    assert [written(s["text"].data)[:8] for s in shown] == ["The king", "My heart", "Good nig"]
    activity, texts = joined(shown)
    found = selectivity(activity, concept_moments(texts, ["king"]), n_shifts=50)
    best = int(found.ranking()[0])
    assert min(found.auc[best], 1 - found.auc[best]) < 0.1


def joined(shown: list[Mapping[str, Samples]]) -> tuple[np.ndarray, list[str]]:
    texts = [t for s in shown for t in texts_of(s["text"].info, s["text"].data)]
    return np.concatenate([s["activity"].data for s in shown]), texts


def test_a_conversation(tmp_path: Path):
    """With ChatML's tokens a prompt is a turn, and the model waits when it has ended its own."""
    import json

    from tiny_model import write_tiny_model

    folder = write_tiny_model(tmp_path / "chat", 4)
    content = json.loads((folder / "tokenizer.json").read_text())
    content["added_tokens"] += [
        {"id": 298, "content": "<|im_start|>", "special": True},
        {"id": 299, "content": "<|im_end|>", "special": True},
    ]
    content["model"]["vocab"] = {k: v for k, v in content["model"]["vocab"].items() if v < 298}
    content["model"]["merges"] = [m for m in content["model"]["merges"] if "".join(m) in content["model"]["vocab"]]
    (folder / "tokenizer.json").write_text(json.dumps(content))
    subject = PLUGIN.open({"model": str(folder), "tokens": "a"})
    subject.set_control("prompt", "hi")
    subject.set_control("temperature", 5.0)
    tokens = run(subject, 600, "token")["token"]["token"]
    assert tokens[1] == 298
    assert 299 in tokens[1:20], "the turn of the person ends"
    own = np.flatnonzero(tokens == 299)
    assert len(own) == 2, "it must end its own turn within these ticks, or this proves nothing"
    assert (tokens[own[1] + 1 :] == -1).all()
    assert subject.idle
    subject.set_control("prompt", "hi")
    assert (run(subject, 5, "token")["token"]["token"] >= 0).all()


@pytest.mark.parametrize("kind", ["GPTNeoX", "OPT", "Phi"])
def test_other_models_by_hooks(kind: str, tmp_path: Path):
    import json

    from tiny_model import tiny_tokenizer

    sizes = {"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes |= {"bos_token_id": 0, "eos_token_id": 0, "max_position_embeddings": 128}
    sizes |= {"ffn_dim": 48, "word_embed_proj_dim": 32} if kind == "OPT" else {"intermediate_size": 48}
    torch.manual_seed(1)
    config = getattr(transformers, f"{kind}Config")(**sizes)
    model = getattr(transformers, f"{kind}ForCausalLM")(config).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(5 if p.ndim == 2 else 1)
    model.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text(json.dumps(tiny_tokenizer()))
    subject = PLUGIN.open({"model": str(tmp_path), "tokens": "a"})  # nobody said that ours does not know it
    assert "transformers' modules" in subject.remark
    subject.set_control("temperature", 0.0)
    snapshot = subject.snapshot()
    found = run(subject, 40)
    with torch.no_grad():
        expected = model.generate(
            torch.tensor([[0]]),
            attention_mask=torch.tensor([[1]]),
            max_new_tokens=39,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )
    assert found["token"]["token"].tolist() == expected[0].tolist()
    np.testing.assert_array_equal(found["logit_lens"][:, -1], found["top_tokens"][:, 0])
    subject.restore(snapshot)
    half = run(subject, 17)
    saved = subject.snapshot()
    run(subject, 5)
    subject.restore(saved)
    rest = run(subject, 23)
    np.testing.assert_array_equal(np.concatenate([half["activity"], rest["activity"]]), found["activity"])
    unit = subject.units.id_of_name["L1N5"]
    subject.restore(snapshot)
    subject.perturb(Perturbation(Kind.DRIVE, (unit,), 5, 9, amplitude=4.0))
    held = run(subject, 12, "activity", "log_probability")
    assert (held["activity"][5:9, unit] == 4).all()
    assert np.abs(held["log_probability"][5] - found["log_probability"][5]).max() > 0.01
