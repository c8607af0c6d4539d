"""Bits across lanes and bytes of lanes, turned into each other.

A *plane* is one bit of every lane: word w of it holds lanes 64w to 64w + 63, lane 64w in bit 0. A number of eight bits
that every lane has is eight planes, or one byte for each lane. In vector code the way there is a bit test, the way back
one "or" of a selected constant for each plane.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES_PER_WORD = 64
BITS_PER_BYTE = 8

_WORD = ir.IntType(64)
_BYTES = ir.VectorType(ir.IntType(8), LANES_PER_WORD)
_BITS = ir.VectorType(ir.IntType(1), LANES_PER_WORD)


def _splat(value: int) -> ir.Constant:
    return ir.Constant(_BYTES, [value] * LANES_PER_WORD)


def _vector_at(context: Any, builder: Any, kind: Any, array: Any, start: Any) -> Any:
    """Pointer to the 64 bytes of a C-contiguous byte array from `start` on."""
    make: Any = cgutils.create_struct_proxy
    data = make(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [start]), _BYTES.as_pointer())


def _bytes_from_words(typingctx: Any, out: Any, start: Any, words: Any) -> Any:
    """`out[start + l]` gets bit l of each of eight words, `words[0]` as its bit 0.

    Parameters
    ----------
    out : C-contiguous uint8, at least 64 bytes from start on
    start : int64
    words : eight uint64, a tuple
    """
    del typingctx
    signature = types.void(out, types.int64, words)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = _splat(0)
        for k in range(BITS_PER_BYTE):
            bits = builder.bitcast(builder.extract_value(args[2], k), _BITS)
            found = builder.or_(found, builder.select(bits, _splat(1 << k), _splat(0)))
        builder.store(found, _vector_at(context, builder, signature.args[0], args[0], args[1]), align=1)
        return context.get_dummy_value()

    return signature, codegen


def _word_from_bytes(typingctx: Any, numbers: Any, start: Any, bit: Any) -> Any:
    """Bit l is whether `numbers[start + l]` has any bit of `bit`.

    Parameters
    ----------
    numbers : C-contiguous uint8, at least 64 bytes from start on
    start : int64
    bit : uint8

    Returns
    -------
    uint64
    """
    del typingctx
    signature = types.uint64(numbers, types.int64, types.uint8)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        loaded = builder.load(_vector_at(context, builder, signature.args[0], args[0], args[1]), align=1)
        first = builder.insert_element(_splat(0), args[2], ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES_PER_WORD), [0] * LANES_PER_WORD)
        tested = builder.and_(loaded, builder.shuffle_vector(first, _splat(0), zeros))
        return builder.bitcast(builder.icmp_unsigned("!=", tested, _splat(0)), _WORD)

    return signature, codegen


def _blend_bytes(typingctx: Any, out: Any, start: Any, numbers: Any, word: Any) -> Any:
    """`out[start + l]` gets `numbers[start + l]` where bit l of a word is set.

    Parameters
    ----------
    out, numbers : C-contiguous uint8, at least 64 bytes from start on
    start : int64
    word : uint64
    """
    del typingctx, word
    signature = types.void(out, types.int64, numbers, types.uint64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _vector_at(context, builder, signature.args[0], args[0], args[1])
        new = builder.load(_vector_at(context, builder, signature.args[2], args[2], args[1]), align=1)
        builder.store(
            builder.select(builder.bitcast(args[3], _BITS), new, builder.load(place, align=1)), place, align=1
        )
        return context.get_dummy_value()

    return signature, codegen


def _lowest_bit(typingctx: Any, word: Any) -> Any:
    """Index of the lowest bit set in a word that is not zero."""
    del typingctx

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        del context, signature
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


bytes_from_words: Any = intrinsic(_bytes_from_words)
word_from_bytes: Any = intrinsic(_word_from_bytes)
blend_bytes: Any = intrinsic(_blend_bytes)
lowest_bit: Any = intrinsic(_lowest_bit)


@njit(cache=True, inline="always")
def bytes_from_planes(planes: Any, first: Any, w: int, out: Any, start: int) -> None:
    """Bytes of 64 lanes from planes.

    Parameters
    ----------
    planes : (n_planes, n_words) uint64
    first : eight indices of planes, bit 0 first
    w : the word, of lanes 64w to 64w + 63
    out : uint8; `out[start + l]` gets the byte of lane 64w + l
    """
    bytes_from_words(
        out,
        start,
        (
            planes[first[0], w],
            planes[first[1], w],
            planes[first[2], w],
            planes[first[3], w],
            planes[first[4], w],
            planes[first[5], w],
            planes[first[6], w],
            planes[first[7], w],
        ),
    )
