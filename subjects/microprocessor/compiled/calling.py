"""What njit code cannot say: calling a function by address (numba keeps such callers on disk), and prefetching."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array


def _call_routine(typingctx: Any, address: Any, state: Any, masks: Any, unstable: Any) -> Any:
    """Call `void (ptr state, ptr masks, ptr unstable)` at an address, in njit code.

    Parameters
    ----------
    address : int64, from `MachineCode.addresses`; the MachineCode must be alive
    state, masks, unstable : C-contiguous arrays of any dtype, as `emission` lays them out
    """
    del typingctx, address
    signature = types.void(types.int64, state, masks, unstable)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        as_array: Any = make_array
        byte = ir.IntType(8).as_pointer()
        pointers = [
            builder.bitcast(as_array(kind)(context, builder, array).data, byte)
            for kind, array in zip(signature.args[1:], args[1:], strict=True)
        ]
        function = ir.FunctionType(ir.VoidType(), [byte] * 3).as_pointer()
        builder.call(builder.inttoptr(args[0], function), pointers)
        return context.get_dummy_value()

    return signature, codegen


call_routine: Any = intrinsic(_call_routine)


def _prefetch_row(typingctx: Any, array: Any, row: Any, offset: Any) -> Any:
    """Ask for the cache line `offset` bytes into a row of a 2-d array, without waiting for it."""
    del typingctx
    signature = types.void(array, types.int64, types.int64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        as_array: Any = make_array
        found = as_array(signature.args[0])(context, builder, args[0])
        stride = builder.extract_value(found.strides, 0)
        byte = ir.IntType(8).as_pointer()
        start = builder.add(builder.mul(args[1], stride), args[2])
        line = builder.gep(builder.bitcast(found.data, byte), [start])
        number = ir.IntType(32)
        function = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        insert: Any = cgutils.get_or_insert_function
        prefetch = insert(builder.module, function, "llvm.prefetch.p0")
        builder.call(prefetch, [line, number(0), number(3), number(1)])  # to read, keep near, data
        return context.get_dummy_value()

    return signature, codegen


prefetch_row: Any = intrinsic(_prefetch_row)
