"""Opening a learner as a person asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from rig.errors import SpecError
from subjects.learner.shape import Shape
from subjects.learner.subject import Learner

_BOUNDS = {  # option: default, least, most
    "heads": (4, 1, 8),
    "width": (64, 8, 128),
    "vocabulary": (64, 8, 256),
    "context": (64, 8, 128),
    "batch": (32, 1, 128),
}


def open_learner(options: Mapping[str, str]) -> Learner:
    """Raises SpecError for an option out of range, or for sizes that do not fit together."""
    sizes = {}
    for key, (default, low, high) in _BOUNDS.items():
        text = options.get(key, str(default))
        if not text.isdecimal() or not low <= int(text) <= high:
            raise SpecError(f"asked for {key}={text}; it must be a whole number from {low} to {high}")
        sizes[key] = int(text)
    if sizes["width"] % sizes["heads"]:
        raise SpecError(f"asked for width={sizes['width']} with heads={sizes['heads']}; give a multiple of the heads")
    if sizes["context"] % 4:
        raise SpecError(f"asked for context={sizes['context']}; give a multiple of 4")
    return Learner(Shape(sizes["heads"], sizes["width"], sizes["vocabulary"], sizes["context"], sizes["batch"]))
