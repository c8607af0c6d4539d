"""Sums of products in vector code, which a compiler does not make of plain loops as fast as memory gives the weights.

Vectors have 16 lanes of float32, whatever the processor has: LLVM cuts them up. Weights are stored in one of `KINDS`
and widened in registers. Each sum has one order, which depends on nothing but its length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types as numba_types
from numba.core import cgutils as untyped_cgutils
from numba.extending import intrinsic

types: Any = numba_types  # neither has annotations
cgutils: Any = untyped_cgutils

N_LANES = 16
N_STEP = 2 * N_LANES  # entries of a row that are multiplied in one go: rows are padded to a multiple
N_ROWS = 4  # rows of a matrix that are multiplied with a vector in one go
N_TILE = 8  # rows of a matrix that are multiplied with a block in one go

F32, F16, BF16, INT8 = range(4)
N_BYTES = {F32: 4, F16: 2, BF16: 2, INT8: 1}

# How far ahead of the sums weights are asked for. Measured: 14 GB/s instead of 9 for narrow ones from 8 kB on.
_AHEAD_BYTES = 16384
_INTO_L2 = 2

_FLOAT, _WORD, _INT = ir.FloatType(), ir.IntType(64), ir.IntType(32)
_BYTE = ir.IntType(8)
_VECTOR = ir.VectorType(_FLOAT, N_LANES)
_INTS = ir.VectorType(_INT, N_LANES)
_STORED = {
    F32: _VECTOR,
    F16: ir.VectorType(ir.HalfType(), N_LANES),
    BF16: ir.VectorType(ir.IntType(16), N_LANES),
    INT8: ir.VectorType(_BYTE, N_LANES),
}
_ZEROS = ir.Constant(_VECTOR, [0.0] * N_LANES)


def _word(value: int) -> ir.Constant:
    return ir.Constant(_WORD, value)


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Address of an array's first byte, as a number."""
    return builder.ptrtoint(cgutils.create_struct_proxy(kind)(context, builder, array).data, _WORD)


def _plus(builder: Any, address: Any, index: Any, n_bytes: int) -> Any:
    return builder.add(address, builder.mul(index, _word(n_bytes)))


def _load(builder: Any, address: Any, kind: int) -> Any:
    """16 stored numbers as float32."""
    stored = builder.load(builder.inttoptr(address, _STORED[kind].as_pointer()), align=1)
    if kind == F16:
        return builder.fpext(stored, _VECTOR)
    if kind == BF16:
        bits = builder.shl(builder.zext(stored, _INTS), ir.Constant(_INTS, [16] * N_LANES))
        return builder.bitcast(bits, _VECTOR)
    if kind == INT8:
        return builder.sitofp(builder.sext(stored, _INTS), _VECTOR)
    return stored


def _store(builder: Any, vector: Any, address: Any) -> None:
    builder.store(vector, builder.inttoptr(address, _VECTOR.as_pointer()), align=4)


def _splat(builder: Any, address: Any) -> Any:
    """One float32 in all lanes."""
    one = builder.load(builder.inttoptr(address, _FLOAT.as_pointer()), align=4)
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), one, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, first, ir.Constant(_INTS, [0] * N_LANES))


def _zeroed(builder: Any, n: int) -> list[Any]:
    return [cgutils.alloca_once_value(builder, _ZEROS) for _ in range(n)]


def _add_product(builder: Any, a: Any, b: Any, sum_at: Any) -> None:
    fma = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), f"llvm.fma.v{N_LANES}f32"
    )
    builder.store(builder.call(fma, [a, b, builder.load(sum_at)]), sum_at)


def _across(builder: Any, vector: Any) -> Any:
    """Sum of the lanes, halves onto each other."""
    add = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_FLOAT, [_FLOAT, _VECTOR]), f"llvm.vector.reduce.fadd.v{N_LANES}f32"
    )
    return builder.call(add, [ir.Constant(_FLOAT, -0.0), vector], fastmath=("reassoc",))


def _ask_for(builder: Any, address: Any) -> None:
    signature = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _INT, _INT, _INT])
    prefetch = cgutils.get_or_insert_function(builder.module, signature, "llvm.prefetch.p0")
    pointer = builder.inttoptr(builder.add(address, _word(_AHEAD_BYTES)), _BYTE.as_pointer())
    builder.call(prefetch, [pointer, *(ir.Constant(_INT, v) for v in (0, _INTO_L2, 1))])


def _dot_rows(kind: int) -> Callable[..., Any]:
    n_bytes = N_BYTES[kind]

    def dot(typingctx: Any, store: Any, at: Any, row_bytes: Any, x: Any, x_at: Any, n: Any) -> Any:
        """Products of four rows of a matrix with a vector.

        Parameters
        ----------
        store : array that has the rows, the first at byte `at`, each `row_bytes` after the one before
        x : float32 array, from entry `x_at` on
        n : entries, a multiple of N_STEP

        Returns
        -------
        four float32
        """
        del typingctx, at, row_bytes, x_at, n
        signature = types.UniTuple(types.float32, N_ROWS)(store, types.int64, types.int64, x, types.int64, types.int64)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            w = builder.add(_data(context, builder, signature.args[0], args[0]), args[1])
            x = _plus(builder, _data(context, builder, signature.args[3], args[3]), args[4], 4)
            sums = [_zeroed(builder, 2) for _ in range(N_ROWS)]
            rows = [builder.add(w, builder.mul(args[2], _word(r))) for r in range(N_ROWS)]
            with cgutils.for_range_slice(builder, _word(0), args[5], _word(N_STEP), intp=_WORD) as (i, _):
                for half in range(2):
                    entry = builder.add(i, _word(half * N_LANES))
                    of_x = _load(builder, _plus(builder, x, entry, 4), F32)
                    for row, pair in zip(rows, sums, strict=True):
                        address = _plus(builder, row, entry, n_bytes)
                        _add_product(builder, _load(builder, address, kind), of_x, pair[half])
                        if half * N_LANES * n_bytes % 64 == 0:
                            _ask_for(builder, address)
            found = [_across(builder, builder.fadd(builder.load(a), builder.load(b))) for a, b in sums]
            return context.make_tuple(builder, signature.return_type, found)

        return signature, codegen

    return dot


def _widen(kind: int) -> Callable[..., Any]:
    n_bytes = N_BYTES[kind]

    def widen(typingctx: Any, store: Any, at: Any, out: Any, out_at: Any, n: Any) -> Any:
        """`out[out_at : out_at + n]` gets n stored numbers from byte `at` on; n is a multiple of 16."""
        del typingctx, at, out_at, n
        signature = types.void(store, types.int64, out, types.int64, types.int64)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            w = builder.add(_data(context, builder, signature.args[0], args[0]), args[1])
            out = _plus(builder, _data(context, builder, signature.args[2], args[2]), args[3], 4)
            with cgutils.for_range_slice(builder, _word(0), args[4], _word(N_LANES), intp=_WORD) as (i, _):
                address = _plus(builder, w, i, n_bytes)
                _store(builder, _load(builder, address, kind), _plus(builder, out, i, 4))
                _ask_for(builder, address)
            return context.get_dummy_value()

        return signature, codegen

    return widen


def _tile(
    typingctx: Any, w: Any, at: Any, down: Any, along: Any, x: Any, x_at: Any, n: Any, out: Any, out_at: Any
) -> Any:
    """Products of eight rows of a matrix with 16 vectors, lane by lane.

    Parameters
    ----------
    w : float32 array; entry i of row r is at `at + r * down + i * along`
    x : (…, 16) float32, C-contiguous; row `x_at` has entry 0 of all 16
    n : entries
    out : (…, 16) float32, C-contiguous; rows from `out_at` on get the products
    """
    del typingctx, at, down, along, x_at, n, out_at
    word = types.int64
    signature = types.void(w, word, word, word, x, word, word, out, word)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        w, x, out = (_data(context, builder, signature.args[i], args[i]) for i in (0, 4, 7))
        first = _plus(builder, w, args[1], 4)
        rows = [_plus(builder, first, builder.mul(args[2], _word(r)), 4) for r in range(N_TILE)]
        x = _plus(builder, x, args[5], 4 * N_LANES)
        sums = _zeroed(builder, N_TILE)
        with cgutils.for_range_slice(builder, _word(0), args[6], _word(1), intp=_WORD) as (i, _):
            of_x = _load(builder, _plus(builder, x, i, 4 * N_LANES), F32)
            entry = builder.mul(i, args[3])
            for row, total in zip(rows, sums, strict=True):
                _add_product(builder, _splat(builder, _plus(builder, row, entry, 4)), of_x, total)
        for r, total in enumerate(sums):
            _store(builder, builder.load(total), _plus(builder, out, builder.add(args[8], _word(r)), 4 * N_LANES))
        return context.get_dummy_value()

    return signature, codegen


def _mix_rows(typingctx: Any, v: Any, at: Any, stride: Any, p: Any, n: Any, out: Any, out_at: Any) -> Any:
    """Weighted sum of rows of 32 entries.

    Parameters
    ----------
    v : float32 array; row j is at `at + j * stride`
    p : float32 array, a weight for each row
    n : rows, an even number
    out : float32 array; 32 entries from `out_at` on get the sum
    """
    del typingctx, at, stride, n, out_at
    word = types.int64
    signature = types.void(v, word, word, p, word, out, word)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, p, out = (_data(context, builder, signature.args[i], args[i]) for i in (0, 3, 5))
        first = _plus(builder, v, args[1], 4)
        sums = [_zeroed(builder, 2) for _ in range(2)]  # of even rows and of odd ones: two half rows each
        with cgutils.for_range_slice(builder, _word(0), args[4], _word(2), intp=_WORD) as (j, _):
            for odd in range(2):
                row = builder.add(j, _word(odd))
                weight = _splat(builder, _plus(builder, p, row, 4))
                start = _plus(builder, first, builder.mul(row, args[2]), 4)
                for half in range(2):
                    of_v = _load(builder, builder.add(start, _word(4 * half * N_LANES)), F32)
                    _add_product(builder, of_v, weight, sums[odd][half])
        for half in range(2):
            both = builder.fadd(builder.load(sums[0][half]), builder.load(sums[1][half]))
            _store(builder, both, _plus(builder, out, builder.add(args[6], _word(half * N_LANES)), 4))
        return context.get_dummy_value()

    return signature, codegen


def _atomic_add(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Add to an int64 that other threads look at; what was there before."""
    del typingctx, index, value
    signature = types.int64(array, types.int64, types.int64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _plus(builder, _data(context, builder, signature.args[0], args[0]), args[1], 8)
        return builder.atomic_rmw("add", builder.inttoptr(address, _WORD.as_pointer()), args[2], "seq_cst")

    return signature, codegen


dot_rows_f32: Any = intrinsic(_dot_rows(F32))
dot_rows_f16: Any = intrinsic(_dot_rows(F16))
dot_rows_bf16: Any = intrinsic(_dot_rows(BF16))
dot_rows_int8: Any = intrinsic(_dot_rows(INT8))
widen_f32: Any = intrinsic(_widen(F32))
widen_f16: Any = intrinsic(_widen(F16))
widen_bf16: Any = intrinsic(_widen(BF16))
widen_int8: Any = intrinsic(_widen(INT8))
tile: Any = intrinsic(_tile)
mix_rows: Any = intrinsic(_mix_rows)
atomic_add: Any = intrinsic(_atomic_add)
