"""SmolLM2, where it is installed, against transformers on the same files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from rig.errors import AssetError
from subjects.language_model import PLUGIN
from subjects.language_model.install import find_model


def test_logits_and_greedy_text():
    try:
        folder = find_model("smollm2")
    except AssetError as error:
        pytest.skip(str(error))
    subject = PLUGIN.open({"model": "smollm2", "chat": "off", "context": "128", "threads": "1"})
    subject.set_control("temperature", 0.0)
    subject.set_control("prompt", "The capital of France is")
    for name in ("token", "log_probability"):
        subject.watch(name, None)
    chunks = {c.stream: c.data for c in subject.advance(6 + 64)}
    tokens = torch.tensor(chunks["token"]["token"][None].astype(np.int64))
    transformers.logging.disable_progress_bar()
    reference = transformers.AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32).eval()
    with torch.inference_mode():
        expected = reference(tokens).logits[0].log_softmax(-1).numpy()
        greedy = reference.generate(
            tokens[:, :6], attention_mask=torch.ones(1, 6), max_new_tokens=64, do_sample=False, eos_token_id=None
        )
    assert np.abs(chunks["log_probability"] - expected).max() < 1e-3
    assert tokens.tolist() == greedy.tolist()
