"""From text to tokens and back.

Vocabularies of byte pairs over bytes with GPT-2's division into words (ours among them) are done here; all others by
the library ``tokenizers`` of the extra ``language``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from rig.errors import AssetError, SpecError

# GPT-2's words (Radford et al. 2019): contractions, and runs of letters, digits, or other signs with one blank before
# them; of a run of blanks the last one belongs to the word that follows.
_WORDS = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
_SENTENCEPIECE_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class Vocabulary(Protocol):
    """Tokens of a model.

    Attributes
    ----------
    token_bytes : what each token writes; empty for tokens that write nothing (begin and end of text)
    begin : id of the token that a text begins with; None where there is none
    specials : ids of the tokens that write nothing, by their spelling
    """

    token_bytes: tuple[bytes, ...]
    begin: int | None
    specials: Mapping[str, int]

    def encode(self, text: str) -> list[int]: ...


class BytePairs:
    """Byte-pair encoding over bytes (Sennrich et al. 2016, arXiv:1508.07909), from the content of a tokenizer.json."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        model = content["model"]
        specials = {str(t["content"]): int(t["id"]) for t in content.get("added_tokens", ()) if t.get("special")}
        ids: dict[str, int] = {**model["vocab"], **specials}
        merges = [tuple(m.split(" ", 1)) if isinstance(m, str) else tuple(m) for m in model["merges"]]
        self._ids = ids
        self._rank = {pair: rank for rank, pair in enumerate(merges)}
        self.token_bytes = token_bytes(ids, specials, of_bytes=True)
        self.begin = next(iter(specials.values()), None)
        self.specials: Mapping[str, int] = specials
        self._word = lru_cache(maxsize=1 << 16)(self._encode_word)

    def encode(self, text: str) -> list[int]:
        return [token for word in _WORDS.findall(text) for token in self._word(word)]

    def _encode_word(self, word: str) -> tuple[int, ...]:
        parts = [_LETTER_OF_BYTE[b] for b in word.encode("utf-8", "replace")]
        while len(parts) > 1:
            ranks = [self._rank.get(pair, len(self._rank)) for pair in pairwise(parts)]
            best = min(ranks)
            if best == len(self._rank):
                break
            i = ranks.index(best)
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        return tuple(self._ids[p] for p in parts)


class LibraryVocabulary:
    """Any tokenizer.json, by the library."""

    def __init__(self, path: Path, content: Mapping[str, Any], begin: int | None) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise AssetError(
                f"asked for the vocabulary in {path}, which needs a library that is not here; "
                "run: pip install 'headstage[language]'"
            ) from None
        try:
            self._tokenizer = Tokenizer.from_str(json.dumps(content))
        except Exception as error:  # the library raises bare Exception
            raise AssetError(f"{path} is no vocabulary ({error}); fetch the model again") from None
        specials = {str(t["content"]): int(t["id"]) for t in content.get("added_tokens", ()) if t.get("special")}
        vocab = self._tokenizer.get_vocab(with_added_tokens=True)
        self.token_bytes = token_bytes(vocab, specials, of_bytes="ByteLevel" in json.dumps(content.get("decoder")))
        self.begin = begin
        self.specials: Mapping[str, int] = specials

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def read_vocabulary(path: Path, begin: int | None) -> Vocabulary:
    """From a tokenizer.json.

    Parameters
    ----------
    begin : id of the token that a text begins with, as the model's config.json says

    Raises
    ------
    AssetError : missing, damaged, or in need of a library that is not installed.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        words = content.get("pre_tokenizer") or {}
        ours = words.get("type") == "ByteLevel" and words.get("use_regex", True) and not words.get("add_prefix_space")
        if ours and content["model"]["type"] == "BPE" and not content.get("normalizer"):
            return BytePairs(content)
    except OSError:
        raise AssetError(f"asked for the vocabulary {path}; it is not there: fetch the model again") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AssetError(f"{path} is no vocabulary ({type(error).__name__}); fetch the model again") from None
    return LibraryVocabulary(path, content, begin)


def token_bytes(ids: Mapping[str, int], specials: Mapping[str, int], *, of_bytes: bool) -> tuple[bytes, ...]:
    """What each token writes.

    Parameters
    ----------
    ids : of all tokens by their spelling in the file
    of_bytes : spelled a letter a byte, as GPT-2 does; as SentencePiece does otherwise
    """
    written = [b""] * (max(ids.values(), default=-1) + 1)
    for spelling, i in ids.items():
        if spelling in specials:
            continue
        if of_bytes and all(letter in _BYTE_OF_LETTER for letter in spelling):
            written[i] = bytes(_BYTE_OF_LETTER[letter] for letter in spelling)
        elif (byte := _SENTENCEPIECE_BYTE.fullmatch(spelling)) is not None:
            written[i] = bytes([int(byte[1], 16)])
        else:
            written[i] = spelling.replace("\u2581", " ").encode("utf-8", "replace")
    return tuple(written)


def single_tokens(vocabulary: Vocabulary, words: Sequence[str]) -> list[int]:
    """Ids of words that are one token each, a word as it stands after a blank where that is one.

    Raises
    ------
    SpecError : a word is none.
    """
    found = []
    for word in words:
        tries = [vocabulary.encode(text) for text in (f" {word}", word)]
        if (single := next((ids[0] for ids in tries if len(ids) == 1), None)) is None:
            pieces = " + ".join(repr(vocabulary.token_bytes[i].decode("utf-8", "replace")) for i in tries[0])
            raise SpecError(
                f"asked for the token {word!r}; this model writes it as {pieces}: choose a word of one token"
            )
        found.append(single)
    return found


def letters_of_bytes() -> dict[int, str]:
    """GPT-2's spelling of bytes: printable ones stand for themselves, the others for letters from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {b: chr(b) for b in printable} | {b: chr(0x100 + i) for i, b in enumerate(others)}


_LETTER_OF_BYTE = letters_of_bytes()
_BYTE_OF_LETTER = {letter: byte for byte, letter in _LETTER_OF_BYTE.items()}
