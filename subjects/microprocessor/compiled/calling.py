"""Calling compiled functions from njit code, by address, so that numba can keep the callers on disk."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
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
