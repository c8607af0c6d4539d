"""Kernels that come with Headstage half compiled: the first start on a machine takes seconds instead of a minute.

Nearly all of numba's time goes into Python: types, lowering, and optimising what a kernel calls over and over. What
comes out is LLVM's intermediate code, from which the machine's own takes a tenth of that. So this code is shipped for
every kernel that a first start calls (`app.ship_kernels` makes it). A kernel found neither in numba's cache nor here,
or here from other sources, is compiled as ever. What is found here goes into numba's cache, and is looked up there from
then on.

The code is good for one version of numba and of Python, one system and one kind of processor, and for the very sources
of the kernel's module and all that it imports of ours.

numba has no seam for another store beside its own. It does import `KernelLocator`, told to by a variable
(`rig.kernel_cache`), before it caches anything; then the one method that looks into its cache is extended.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import platform
import sys
from collections.abc import Callable
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
import zstandard
from numba.core import caching, types

core: Any = numba.core
"""numba's own parts, which are not typed."""
HOME = Path(__file__).resolve().parent.parent
PACKAGES = ("rig", "subjects", "app")
RETURNS = {str(kind): kind for kind in (types.none, types.boolean, types.int32, types.int64, types.float64)}
"""What a shipped kernel may return, by numba's name of it."""


class KernelLocator(caching.UserProvidedCacheLocator):
    """numba's own; by asking for it numba imports this module."""


def made_for() -> str:
    """What the code depends on besides its sources."""
    numba_version = ".".join(numba.__version__.split(".")[:2])
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return f"numba {numba_version}, Python {python}, {platform.system()} {platform.machine()}"


def file_name(module: str) -> str:
    return f"{module}.json.zst"


def sources_digest(module: str) -> str:
    """Digest of a module and of all that it imports of ours."""
    digest = hashlib.sha256()
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        source = _source(name)
        if name not in found and source is not None:
            found.add(name)
            waiting += _imports(name)
    for name in sorted(found):
        digest.update(f"{name}\n".encode() + (_source(name) or b""))
    return digest.hexdigest()


def shipped_kernels(module: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What is shipped of a module and fits, by name and argument types; see `app.ship_kernels` for the entries."""
    file = resources.files("rig").joinpath("kernels", file_name(module))
    if not file.is_file():
        return {}
    try:
        content = json.loads(zstandard.ZstdDecompressor().decompress(file.read_bytes()))
    except (zstandard.ZstdError, ValueError):
        return {}  # damaged: compiled as ever
    if content["made_for"] != made_for() or content["sources"] != sources_digest(module):
        return {}
    return {(kernel["name"], kernel["arguments"]): kernel for kernel in content["kernels"]}


_kept = functools.cache(shipped_kernels)


def build(py_func: Callable[..., Any], arguments: tuple[Any, ...], kernel: dict[str, Any], context: Any) -> Any:
    """A shipped kernel as numba's result of compiling it."""
    code = py_func.__code__
    description = core.funcdesc.FunctionDescriptor(
        native=True,
        modname=py_func.__module__,
        qualname=py_func.__qualname__,
        unique_name=kernel["symbol"],
        doc=None,
        typemap=None,
        restype=RETURNS[kernel["returns"]],
        calltypes=None,
        args=code.co_varnames[: code.co_argcount],
        kws=(),
        mangler=lambda *_, **__: kernel["symbol"],
        argtypes=arguments,
        env_name=kernel["environment"],
    )
    library = context.codegen().create_library(kernel["symbol"])
    library.enable_object_caching()
    library._final_module = llvm.parse_assembly(kernel["code"])  # as numba does with what it kept as bitcode
    library._finalize_final_module()
    own = _environment(kernel["environment"], py_func.__module__)
    referenced = tuple(_environment(name, of) for name, of in kernel["environments"].items())
    made = core.compiler.compile_result(
        target_context=context,
        typing_context=context.typing_context,
        library=library,
        environment=own,
        entry_point=context.get_executable(library, description, own),
        fndesc=description,
        type_annotation="",
        signature=core.typing.signature(description.restype, *arguments),
        objectmode=False,
        lifted=(),
        reload_init=(),
        referenced_envs=referenced,
    )
    for inner in referenced:
        library.codegen.set_env(inner.env_name, inner)
    return made


def _environment(name: str, module: str) -> Any:
    known = core.environment.lookup_environment(name)
    if known is not None:
        return known
    made = core.environment.Environment(import_module(module).__dict__)
    made.env_name = name
    core.environment.Environment._memo[name] = made
    return made


def _load_overload(cache: Any, sig: Any, context: Any) -> Any:
    """In place of numba's: its own cache first, then what is shipped."""
    found = _own_load_overload(cache, sig, context)
    py_func = cache._py_func
    if found is not None or py_func.__module__.partition(".")[0] not in PACKAGES:
        return found
    arguments, _ = core.sigutils.normalize_signature(sig)
    kernel = _kept(py_func.__module__).get((py_func.__qualname__, str(arguments)))
    if kernel is None:
        return None
    made = build(py_func, arguments, kernel, context)
    cache.save_overload(sig, made)
    return made


_own_load_overload: Any = core.caching.FunctionCache._load_overload
core.caching.FunctionCache._load_overload = _load_overload


@functools.cache
def _source(module: str) -> bytes | None:
    path = HOME.joinpath(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file.read_bytes()
    return None


@functools.cache
def _imports(module: str) -> list[str]:
    """Modules of ours that one imports; names that are none are among them."""
    names = []
    for node in ast.walk(ast.parse(_source(module) or b"")):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.partition(".")[0] in PACKAGES]
