"""What is typed, as tokens: as it stands, or as a turn of a conversation for models that were trained on these."""

from __future__ import annotations

from dataclasses import dataclass

from rig.errors import SpecError
from subjects.language_model.vocabulary import Vocabulary

TURN_BEGINS, TURN_ENDS = "<|im_start|>", "<|im_end|>"  # ChatML


@dataclass(frozen=True)
class Prompter:
    """Turns typed texts into tokens.

    Attributes
    ----------
    begin : the token that a text begins with
    turn : ids of TURN_BEGINS and TURN_ENDS; None: texts are read as they stand
    max_tokens : of one text
    """

    vocabulary: Vocabulary
    begin: int
    turn: tuple[int, int] | None
    max_tokens: int

    def typed(self, text: str) -> list[int]:
        """Raises SpecError : too long."""
        text = text.replace("\\n", "\n")
        encode = self.vocabulary.encode
        if self.turn is None or not text:
            tokens = encode(text)
        else:
            begins, ends = self.turn
            tokens = [begins, *encode(f"user\n{text}"), ends, *encode("\n"), begins, *encode("assistant\n")]
        if len(tokens) > self.max_tokens:
            raise SpecError(
                f"asked for a prompt of {len(tokens)} tokens; this model takes {self.max_tokens} at once: shorten it"
            )
        return tokens

    def from_beginning(self, text: str) -> list[int]:
        """A text as it stands, as if nothing came before."""
        return [self.begin, *self.vocabulary.encode(text.replace("\\n", "\n"))]

    def ends_turn(self, token: int) -> bool:
        return self.turn is not None and token == self.turn[1]


def make_prompter(vocabulary: Vocabulary, begin: int, chat: bool, max_tokens: int) -> Prompter:
    """A conversation where it is asked for and the vocabulary has the tokens of one."""
    specials = vocabulary.specials
    turn = None
    if chat and TURN_BEGINS in specials and TURN_ENDS in specials:
        turn = specials[TURN_BEGINS], specials[TURN_ENDS]
    return Prompter(vocabulary, begin, turn, max_tokens)
