"""Words out of tokens."""

from __future__ import annotations

import numpy as np
import pytest

from rig.errors import SpecError
from rig.streams import StreamInfo, StreamKind
from rig.texts import TOKEN_CLASSES, concept_moments, text_of, texts_of, token_class


def test_characters_cut_in_two_come_with_their_last_byte():
    info = StreamInfo("text", "", StreamKind.TEXT, np.dtype("u1"), (2,), 1)
    data = np.array([[0x61, 0], [0xC3, 0], [0xAF, 0x62], [0, 0], [0xFF, 0]], np.uint8)
    assert texts_of(info, data) == ["a", "", "ïb", "", "\ufffd"]


def test_words_are_found_in_whatever_tokens_they_come():
    texts = ["Jen", "ni", "fer", " sat", ".\n", "KING", " jennifer", ",", " Jenn", " king's", " kingdom", " naïve"]
    assert np.flatnonzero(concept_moments(texts, ["jennifer"])).tolist() == [0, 1, 2, 6]
    assert np.flatnonzero(concept_moments(texts, ["King", "sat"])).tolist() == [3, 5, 9]
    assert np.flatnonzero(concept_moments(texts, ["kingdom naïve"])).tolist() == [10, 11]
    assert not concept_moments(texts, ["nifer"]).any()
    assert len(concept_moments([], ["a"])) == 0
    with pytest.raises(SpecError, match="without words"):
        concept_moments(texts, [" "])


def test_every_token_is_of_a_class():
    texts = [" Romeo", " is", " 12", ",", "\n", ""]
    assert [token_class(t) for t in texts] == list(TOKEN_CLASSES)
    assert token_class(".\n") == "new line"


def test_text_of_strings_bytes_and_code_points():
    def info(dtype: str) -> StreamInfo:
        return StreamInfo("t", "", StreamKind.TEXT, np.dtype(dtype), (), None)

    assert text_of(info("<U4"), np.array(["the", " cat"])) == "the cat"
    assert text_of(info("u1"), np.frombuffer("naïve\0".encode(), np.uint8)) == "naïve"
    assert text_of(info("<i4"), np.array([104, 105, 0x1F600, -1])) == "hi😀\ufffd"
