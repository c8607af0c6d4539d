"""Bits to pixels, 64 at a time."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_BLOCK = 32  # a line of 160 pixels is a whole number of these
_BYTES = ir.VectorType(ir.IntType(8), _BLOCK)
_BITS = ir.VectorType(ir.IntType(1), _BLOCK)
_I32 = ir.IntType(32)
_I64 = ir.IntType(64)


def _paint(
    typingctx: Any,
    row: Any,
    start: Any,
    shown: Any,
    background: Any,
    mask_a: Any,
    color_a: Any,
    mask_b: Any,
    color_b: Any,
    mask_c: Any,
    color_c: Any,
) -> Any:
    """Give pixels from `row[start]` on, those of `shown`, the colour of the mask that has their bit, or the background.

    Parameters
    ----------
    row : (160,) uint8; start : int64, a multiple of 64
    shown, mask_a, mask_b, mask_c : uint64, no bit in two of the masks
    background, color_a, color_b, color_c : uint8
    """
    del typingctx, background, color_a, color_b, color_c, start, shown, mask_a, mask_b, mask_c
    pair = (types.uint64, types.uint8)
    signature = types.void(row, types.int64, types.uint64, types.uint8, *pair, *pair, *pair)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        make: Any = cgutils.create_struct_proxy
        data = make(signature.args[0])(context, builder, args[0]).data
        zeros = ir.Constant(ir.VectorType(_I32, _BLOCK), [0] * _BLOCK)

        def everywhere(color: Any) -> Any:
            first = builder.insert_element(ir.Constant(_BYTES, ir.Undefined), color, ir.Constant(_I32, 0))
            return builder.shuffle_vector(first, first, zeros)

        colors = [everywhere(args[k]) for k in (3, 5, 7, 9)]
        for block in range(2):
            shift = ir.Constant(_I64, _BLOCK * block)

            def bits(word: Any, shift: Any = shift) -> Any:
                return builder.bitcast(builder.trunc(builder.lshr(word, shift), _I32), _BITS)

            wanted = builder.trunc(builder.lshr(args[2], shift), _I32)
            # the third word of a line is half a word
            with builder.if_then(builder.icmp_unsigned("!=", wanted, ir.Constant(_I32, 0))):
                pointer = builder.bitcast(builder.gep(data, [builder.add(args[1], shift)]), _BYTES.as_pointer())
                pixels = colors[0]
                for mask, color in zip((4, 6, 8), colors[1:], strict=True):
                    pixels = builder.select(bits(args[mask]), color, pixels)
                there = builder.load(pointer, align=1)
                builder.store(builder.select(bits(args[2]), pixels, there), pointer, align=1)
        return context.get_dummy_value()

    return signature, codegen


paint: Any = intrinsic(_paint)
