"""Arrays without their reference counts, for loops whose arrays somebody else holds.

Every array that is taken out of a tuple is counted up and down again, with a locked instruction each: in a loop that
takes dozens of arrays for each half-cycle that is a sixth of the time.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _borrowed(typingctx: Any, arrays: Any) -> Any:
    """The same arrays, in a tuple of arrays, numbers and such tuples; good as long as the caller holds the original."""
    del typingctx
    signature = arrays(arrays)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _uncounted(context, builder, signature.args[0], args[0])

    return signature, codegen


def _uncounted(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if isinstance(kind, types.BaseTuple):
        parts: Any = kind
        for k, part in enumerate(parts):
            inner = _uncounted(context, builder, part, builder.extract_value(value, k))
            value = builder.insert_value(value, inner, k)
        return value
    if not isinstance(kind, types.Array):
        return value
    make: Any = cgutils.create_struct_proxy
    null: Any = cgutils.get_null_value
    array = make(kind)(context, builder, value)
    array.meminfo = null(array.meminfo.type)
    array.parent = null(array.parent.type)
    return array._getvalue()


borrowed: Any = intrinsic(_borrowed)
