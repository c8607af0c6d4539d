"""What another run did: heads patched as vectors, against transformers; means and differences, against numpy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from rig.errors import SpecError
from rig.perturbation import Perturbation, PerturbationKind
from rig.recorded import clamps_at_means, difference_of_means, patch_from
from rig.session import Session
from rig.spec import Bench, parse_perturbation
from rig.storage.recording import Recording
from rig.texts import texts_of

N_TICKS, D_HEAD = 60, 4


@pytest.fixture(scope="module")
def options(tiny_folder: Path) -> dict[str, str]:
    return {"model": str(tiny_folder), "threads": "1"}


@pytest.fixture(scope="module")
def path(options: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("other") / "other.rig"
    with Session("language-model", options, seed=5) as session:
        for name in ("activity", "spikes", "text", "head_output"):
            session.watch(name)
        session.set_control("prompt", "the king and the queen and the king")
        session.start_recording(path)
        session.advance(N_TICKS)
    return path


@pytest.fixture(scope="module")
def other(path: Path) -> Iterator[Recording]:
    with Recording.open(path) as recording:
        yield recording


def chunks_of(session: Session, n: int, name: str) -> np.ndarray:
    return np.concatenate([c.data for c in session.advance(n) if c.stream == name])


def test_a_head_gives_what_it_gave_in_another_run(options: dict[str, str], other: Recording, tiny_folder: Path):
    layer, head, at, n, of = 1, 2, 10, 12, 25
    given = other.read("head_output", of, of + n)
    with Session("language-model", options, seed=1) as session:
        for name in ("token", "log_probability", "head_output"):
            session.watch(name)
        unit = session.subject.units.id_of_name[f"L{layer}H{head}"]
        session.perturb(patch_from(other, [unit], of, n, at))
        chunks = session.advance(30)
    found = {
        name: np.concatenate([c.data for c in chunks if c.stream == name])
        for name in ("token", "log_probability", "head_output")
    }
    assert given.info.unit_ids is not None
    vectors = given.data[:, given.info.unit_ids.tolist().index(unit)]
    assert vectors.shape == (n, D_HEAD)
    np.testing.assert_allclose(found["head_output"][at : at + n, layer * 4 + head], vectors, rtol=1e-6)

    reference = transformers.AutoModelForCausalLM.from_pretrained(str(tiny_folder), attn_implementation="eager").eval()

    def put_in(_: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
        z = inputs[0].clone()
        z[0, at : at + n, head * D_HEAD : (head + 1) * D_HEAD] = torch.from_numpy(vectors)
        return (z,)

    handle = reference.model.layers[layer].self_attn.o_proj.register_forward_pre_hook(put_in)
    with torch.no_grad():
        logits = reference(torch.tensor(found["token"]["token"][None].astype(np.int64))).logits[0]
    handle.remove()
    np.testing.assert_allclose(found["log_probability"], logits.log_softmax(-1).numpy(), atol=1e-3)


def test_a_patch_by_its_words_and_replayed(options: dict[str, str], other: Recording, path: Path, tmp_path: Path):
    with Session("language-model", options, seed=1) as session:
        session.watch("activity")
        bench = Bench(session.subject.info, session.subject.units, session.subject.streams)
        asked = parse_perturbation(f"patch L0N5,L1H3 from={path} of=30 at=7 for=9", bench, 0, 0)
        session.start_recording(tmp_path / "patched.rig")
        for perturbation in asked.perturbations:
            session.perturb(perturbation)
        found = chunks_of(session, 20, "activity")
        at = session.subject.units.id_of_name
    ids = [at["L0N5"], at["L1H3"]]
    np.testing.assert_allclose(found[7:16, ids], other.read("activity", 30, 39, ids).data, rtol=1e-5)
    with Recording.open(tmp_path / "patched.rig") as recording:
        again = recording.rederive("activity", None, 0, 20)
    np.testing.assert_array_equal(again.data, found)


def test_means_and_differences_are_numpys(other: Recording):
    activity = other.read("activity")
    units = [7, 3, 90]
    clamps = clamps_at_means(other, units, at_tick=4, stop_tick=9, over=(10, 50))
    assert [c.unit_ids for c in clamps] == [(3,), (7,), (90,)]
    np.testing.assert_allclose([c.level for c in clamps], activity.data[10:50, [3, 7, 90]].mean(axis=0), rtol=1e-5)
    told = other.read("text")
    texts = texts_of(told.info, told.data)
    given = "the king and the queen and the king"
    assert "".join(texts).startswith(given)
    kings, starts = [], np.cumsum([0, *map(len, texts)])
    for k, start in enumerate(starts[:-1]):
        middle = range(start, start + len(texts[k]))
        kings.append(any(given.find("king") <= i < given.find("king") + 4 for i in middle) or any(
            given.rfind("king") <= i < given.rfind("king") + 4 for i in middle
        ))  # fmt: skip
    moments = np.array(kings)
    assert "king" not in "".join(texts)[len(given) :]
    expected = activity.data[moments].mean(axis=0) - activity.data[~moments].mean(axis=0)
    np.testing.assert_allclose(difference_of_means(other, units, ["king"]), expected[units], rtol=1e-4, atol=1e-6)


def test_what_was_not_recorded_is_said_in_one_line(options: dict[str, str], other: Recording):
    with pytest.raises(SpecError, match=r"recorded over \[0, 60\)"):
        patch_from(other, [3], 55, 10, 0)
    with pytest.raises(SpecError, match="no stream of it has all of them"):
        patch_from(other, [3], 0, 10, 0, stream="head_output")
    with pytest.raises(SpecError, match="writes none"):
        difference_of_means(other, [3], ["zebra"])
    with Session("language-model", options, seed=1) as session:
        unit = session.subject.units.id_of_name["L0N5"]
        two = Perturbation(PerturbationKind.PATCH, (unit,), 0, 1, waveform=((1.0, 2.0),))
        with pytest.raises(SpecError, match="a head takes 4"):
            session.perturb(two)


def test_a_removed_head_looks_at_nothing(options: dict[str, str]):
    with Session("language-model", options, seed=1) as session:
        for name in ("attention_entropy", "attention_pattern"):
            session.watch(name)
        unit = session.subject.units.id_of_name["L1H2"]
        session.perturb(Perturbation(PerturbationKind.REMOVE, (unit,), 10))
        chunks = session.advance(20)
    entropy, pattern = (
        np.concatenate([c.data for c in chunks if c.stream == name])
        for name in ("attention_entropy", "attention_pattern")
    )
    assert (entropy[5:10, 4 + 2] > 0).all()
    assert not entropy[10:, 4 + 2].any()
    assert not pattern[10:, 1, 2].any()
    assert (entropy[10:, 4 + 1] > 0).all()
    np.testing.assert_allclose(pattern[10:, 1, 1].sum(axis=-1), 1, atol=2e-3)
