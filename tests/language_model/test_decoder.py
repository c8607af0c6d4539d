"""The decoder against transformers: logits, greedy text, hooks, and edits made by hand on its modules."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from subjects.language_model.architecture import read_architecture
from subjects.language_model.cpu import decoder as cpu_decoder
from subjects.language_model.cpu.decoder import CpuDecoder
from subjects.language_model.decoder import BLOCK_ROWS, Decoder
from subjects.language_model.edits import NO_EDITS, Affine, DirectionEdit, Edits, HeadEdit
from subjects.language_model.parameters import build_parameters
from subjects.language_model.trace import Trace, UnitLayout

N_CONTEXT = 96
TEXT = torch.randint(0, 300, (70,), generator=torch.Generator().manual_seed(5)).tolist()
TOLERANCE = 1e-3


@pytest.fixture(params=[Decoder, CpuDecoder])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def decoder(kind: Any, model: Any, precision: str = "fp32", **more: Any) -> Any:
    a = read_architecture(model.config.to_dict())
    return kind(a, build_parameters(a, model.state_dict(), "cpu"), precision, N_CONTEXT, **more)


def new_trace(d: Any, n: int = BLOCK_ROWS) -> Trace:
    layout = UnitLayout(d.n_layers, d.d_mlp, d.n_heads, d.d_model, 0, (3, 5))
    trace = Trace(layout, n, d.d_head, N_CONTEXT, d.n_tokens)
    trace.wants_pattern = True
    return trace


def logits_one_by_one(d: Any, tokens: list[int], edits: Edits = NO_EDITS) -> torch.Tensor:
    cache, trace, found = d.new_cache(), new_trace(d, 1), []
    for position, token in enumerate(tokens):
        d.one(token, position, cache, edits, trace)
        found.append(trace.logits[0].clone())
    return torch.stack(found)


def logits_in_blocks(d: Any, tokens: list[int], sizes: list[int], edits: Edits = NO_EDITS) -> torch.Tensor:
    cache, trace, found, at = d.new_cache(), new_trace(d), [], 0
    for size in sizes:
        part = tokens[at : at + min(size, BLOCK_ROWS - at % BLOCK_ROWS)]
        rows = d.block(part, at, cache, [edits] * len(part), trace)
        found.append(trace.logits[rows].clone())
        at += len(part)
    return torch.cat(found)


def reference(model: Any, tokens: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0]


def test_logits(kind: Any, family: Any):
    d, expected = decoder(kind, family), reference(family, TEXT)
    assert expected.abs().max() > 1
    assert (logits_one_by_one(d, TEXT) - expected).abs().max() < TOLERANCE
    assert (logits_in_blocks(d, TEXT, [16] * 5) - expected).abs().max() < TOLERANCE


def test_greedy_text_of_64_tokens(kind: Any, family: Any):
    prompt = TEXT[:9]
    with torch.no_grad():
        expected = family.generate(torch.tensor([prompt]), max_new_tokens=64, do_sample=False)[0, 9:].tolist()
    d = decoder(kind, family)
    cache, block, one = d.new_cache(), new_trace(d), new_trace(d, 1)
    logits = block.logits[d.block(prompt, 0, cache, [NO_EDITS] * 9, block)][-1]
    found: list[int] = []
    while len(found) < 64:
        found.append(int(logits.argmax()))
        d.one(found[-1], 8 + len(found), cache, NO_EDITS, one)
        logits = one.logits[0]
    assert found == expected


def exits(model: Any) -> list[tuple[Any, Any, Any]]:
    """(layer, matrix that leaves the attention, matrix that leaves the MLP) of each layer."""
    if model.config.model_type == "gpt2":
        return [(layer, layer.attn.c_proj, layer.mlp.c_proj) for layer in model.transformer.h]
    return [(layer, layer.self_attn.o_proj, layer.mlp.down_proj) for layer in model.model.layers]


def test_hooks_are_what_its_modules_compute(kind: Any, family: Any):
    seen: dict[tuple[str, int], torch.Tensor] = {}
    handles = []
    for i, (layer, out, down) in enumerate(exits(family)):
        handles += [
            out.register_forward_pre_hook(lambda _, x, i=i: seen.__setitem__(("z", i), x[0][0])),
            down.register_forward_pre_hook(lambda _, x, i=i: seen.__setitem__(("post", i), x[0][0])),
            layer.register_forward_hook(
                lambda _, x, y, i=i: seen.__setitem__(("resid", i), (y[0] if isinstance(y, tuple) else y)[0])
            ),
        ]
    with torch.no_grad():
        patterns = family(torch.tensor([TEXT]), output_attentions=True).attentions
    for handle in handles:
        handle.remove()
    d = decoder(kind, family)
    cache, trace = d.new_cache(), new_trace(d, 1)
    for position, token in enumerate(TEXT):
        d.one(token, position, cache, NO_EDITS, trace)
        trace.finish(())
    for i in range(d.n_layers):
        torch.testing.assert_close(trace.z[0, i].flatten(), seen["z", i][-1], atol=TOLERANCE, rtol=0)
        torch.testing.assert_close(trace.neurons[0, i], seen["post", i][-1], atol=TOLERANCE, rtol=0)
        torch.testing.assert_close(trace.residual[0, i], seen["resid", i][-1], atol=TOLERANCE, rtol=0)
        pattern = trace.pattern[0, i, :, : len(TEXT)]
        torch.testing.assert_close(pattern, patterns[i][0, :, -1], atol=TOLERANCE, rtol=0)
    expected = torch.special.entr(torch.stack([p[0, :, -1] for p in patterns])).sum(-1).flatten()
    torch.testing.assert_close(trace.entropy(0, len(TEXT)), expected, atol=TOLERANCE, rtol=0)
    norms = trace.activity[0, trace.layout.first_head : trace.layout.first_residual]
    expected = torch.stack([seen["z", i][-1].view(d.n_heads, -1).norm(dim=-1) for i in range(d.n_layers)]).flatten()
    torch.testing.assert_close(norms, expected, atol=TOLERANCE, rtol=0)
    assert trace.activity[0, trace.layout.first_token :].tolist() == trace.logits[0, [3, 5]].tolist()


VECTOR = torch.linspace(-1, 1, 64)


def by_hand(model: Any, layer: int) -> list[Any]:
    """The edits of `test_edits_equal_the_same_done_by_hand` as hooks on the modules."""
    block, out, down = exits(model)[layer]

    def neurons(_: Any, given: Any) -> Any:
        post = given[0].clone()
        post[..., 4] = 0.0
        post[..., 9] = 2.5 * post[..., 9] + 1.0
        return (post,)

    def heads(_: Any, given: Any) -> Any:
        z = given[0].clone()
        n = z.shape[-1] // 4
        z[..., n : 2 * n] = 0
        z[..., 2 * n : 3 * n] *= 3.0 / z[..., 2 * n : 3 * n].norm(dim=-1, keepdim=True)
        return (z,)

    def residual(_: Any, given: Any, output: Any) -> Any:
        x = (output[0] if isinstance(output, tuple) else output).clone()
        x[..., 7] = -1.0
        x = x + 0.5 * VECTOR
        return (x, *output[1:]) if isinstance(output, tuple) else x

    return [
        down.register_forward_pre_hook(neurons),
        out.register_forward_pre_hook(heads),
        block.register_forward_hook(residual),
    ]


def test_edits_equal_the_same_done_by_hand(kind: Any, family: Any):
    def affine(*rows: tuple[int, float, float]) -> Affine:
        index, scale, shift = zip(*rows, strict=True)
        return Affine(torch.tensor(index), torch.tensor(scale), torch.tensor(shift))

    edits = Edits(
        neurons={1: affine((4, 0.0, 0.0), (9, 2.5, 1.0))},
        heads={1: (HeadEdit(1, 0.0, 0.0), HeadEdit(2, 0.0, 3.0))},
        residual={1: affine((7, 0.0, -1.0))},
        directions={1: (DirectionEdit(VECTOR, 1.0, 0.5),)},
    )
    handles = by_hand(family, 1)
    expected = reference(family, TEXT)
    for handle in handles:
        handle.remove()
    assert (expected - reference(family, TEXT)).abs().max() > 0.1
    d = decoder(kind, family)
    assert (logits_one_by_one(d, TEXT, edits) - expected).abs().max() < TOLERANCE
    assert (logits_in_blocks(d, TEXT, [16] * 5, edits) - expected).abs().max() < TOLERANCE


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_row_depends_on_nothing_else_in_its_block(kind: Any, family: Any, precision: str):
    d = decoder(kind, family, precision)
    whole = logits_in_blocks(d, TEXT, [16] * 5)
    divided = logits_in_blocks(d, TEXT, [3, 1, 12, 7, 9, 1, 1, 14, 16, 2, 4])
    assert torch.equal(whole, divided)


def test_eight_bits_are_near(kind: Any, family: Any):
    full, eight = (logits_one_by_one(decoder(kind, family, p), TEXT) for p in ("fp32", "int8"))
    assert 0 < (full - eight).abs().max() < 0.15 * full.abs().max()
    cosine = torch.nn.functional.cosine_similarity(full, eight, dim=-1)
    assert cosine.min() > 0.99


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_weights_are_widened_exactly(dtype: torch.dtype, family: Any):
    """Kept as in their file, they are the numbers that full precision would hold: every bit of the result is equal."""
    a = read_architecture(family.config.to_dict())
    narrow = {name: tensor.to(dtype) for name, tensor in family.state_dict().items()}
    full = {name: tensor.float() for name, tensor in narrow.items()}
    found = []
    for tensors in (narrow, full):
        d = CpuDecoder(a, build_parameters(a, tensors, "cpu"), "fp32", N_CONTEXT)
        found.append((logits_one_by_one(d, TEXT), logits_in_blocks(d, TEXT, [16] * 5), d.n_weight_bytes))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert 2 * found[0][2] == found[1][2]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_same_bits_with_any_number_of_threads(family: Any, precision: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cpu_decoder, "MIN_BYTES_A_THREAD", 1)
    alone, together = (decoder(CpuDecoder, family, precision, n_threads=n) for n in (1, 3))
    assert torch.equal(logits_one_by_one(alone, TEXT), logits_one_by_one(together, TEXT))
    assert torch.equal(logits_in_blocks(alone, TEXT, [16] * 5), logits_in_blocks(together, TEXT, [16] * 5))


def test_a_cache_is_kept_as_bytes(kind: Any, family: Any):
    d, n = decoder(kind, family), 20
    cache, other, trace = d.new_cache(), d.new_cache(), new_trace(d, 1)
    for position, token in enumerate(TEXT[:n]):
        d.one(token, position, cache, NO_EDITS, trace)
    d.load_cache(other, d.cache_bytes(cache, n), n)
    assert len(d.cache_bytes(cache, n)) == 2 * 4 * d.n_layers * d.a.n_kv_heads * n * d.d_head
    found = []
    for c in (cache, other):
        d.one(TEXT[n], n, c, NO_EDITS, trace)
        found.append(trace.logits[0].clone())
    assert torch.equal(*found)


def test_logit_lens(kind: Any, family: Any):
    """The last layer's residual stream, unembedded, is what it says."""
    d = decoder(kind, family)
    trace = new_trace(d, 1)
    d.one(TEXT[0], 0, d.new_cache(), NO_EDITS, trace)
    torch.testing.assert_close(d.unembed(trace.residual[0])[-1], trace.logits[0], atol=TOLERANCE, rtol=0)
    many = torch.randn(40, d.d_model, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(d.unembed(many)[17:18], d.unembed(many[17:18]))


def test_a_direction_is_measured_in_its_own_length(kind: Any, family: Any):
    d = decoder(kind, family)
    x = torch.randn(64, generator=torch.Generator().manual_seed(1))
    before = torch.dot(x, VECTOR) / torch.dot(VECTOR, VECTOR)
    DirectionEdit(VECTOR, 0.0, 2.0).apply(x)
    assert float(torch.dot(x, VECTOR) / torch.dot(VECTOR, VECTOR)) == pytest.approx(2.0, abs=1e-5)
    assert before != pytest.approx(2.0, abs=0.1)
    assert d.written_by(1, 5).shape == (64,)
