"""What is recorded is what TransformerLens's hooks of the same names hold, on the same weights."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from subjects.language_model.edits import NO_EDITS
from tests.language_model.test_decoder import TEXT, TOLERANCE, decoder, kind, new_trace  # noqa: F401

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own
    bridge = pytest.importorskip(
        "transformer_lens.model_bridge", reason="TransformerLens is not installed: pip install 'headstage[lens]'"
    )
    import transformers
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

# its copy of the modules warns of what it wraps
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def lens(family: Any, tmp_path: Path) -> Any:
    """The same model in TransformerLens, weights as they are. It wants a tokenizer; the words mean nothing."""
    words = WordLevel({f"w{i}": i for i in range(300)}, unk_token="w0")
    named = {"bos_token": "w0", "eos_token": "w1", "pad_token": "w0", "unk_token": "w0"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=Tokenizer(words), **named).save_pretrained(tmp_path)
    family.config.save_pretrained(tmp_path)
    made = bridge.TransformerBridge.boot_transformers(
        str(tmp_path),
        hf_model=copy.deepcopy(family),  # it takes the modules apart
        tokenizer=transformers.AutoTokenizer.from_pretrained(tmp_path),
        device="cpu",
        dtype=torch.float32,
    )
    made.enable_compatibility_mode(no_processing=True)
    return made


def test_every_hook_that_is_recorded(kind: Any, family: Any, lens: Any):  # noqa: F811
    with torch.no_grad():
        logits, cache = lens.run_with_cache(torch.tensor([TEXT]))
    d = decoder(kind, family)
    own, trace = d.new_cache(), new_trace(d, 1)
    for position, token in enumerate(TEXT):
        d.one(token, position, own, NO_EDITS, trace)
        trace.finish(())
        if position not in (0, 1, 15, 16, len(TEXT) - 1):
            continue
        for i in range(d.n_layers):
            for name, found in {
                "mlp.hook_post": trace.neurons[0, i],
                "attn.hook_z": trace.z[0, i],
                "hook_resid_post": trace.residual[0, i],
            }.items():
                expected = cache[f"blocks.{i}.{name}"][0, position].reshape(found.shape)
                torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=0)
            pattern = cache[f"blocks.{i}.attn.hook_pattern"][0, :, position, : position + 1]
            torch.testing.assert_close(trace.pattern[0, i, :, : position + 1], pattern, atol=TOLERANCE, rtol=0)
        torch.testing.assert_close(trace.logits[0], logits[0, position], atol=TOLERANCE, rtol=0)
