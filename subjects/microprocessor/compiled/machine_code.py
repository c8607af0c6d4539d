"""Machine code from LLVM IR for this very processor, kept on disk between runs.

An entry is a file named by a digest of everything that the code depends on: what was compiled (the caller's `key`), the
compiler's own sources, llvmlite's version, and the processor with its features. It holds a small JSON header and the
object code, with a digest of both, so that a torn or foreign file is compiled anew and never run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import platformdirs

CACHE_VARIABLE = "HEADSTAGE_CODE_CACHE"
COMPILER = (
    "compiled_chip",
    "components",
    "constants",
    "emission",
    "expressions",
    "machine_code",
    "masks",
    "ordering",
    "program",
    "sweeps",
    "wiring",
)
"""Modules that decide what the code is; a change in any other leaves what is kept as good as it was."""

_MAGIC = b"HSCODE01"
_HEADER = struct.Struct("<8s32sII")


class MachineCode:
    """Loaded functions. Their addresses are good for as long as this object lives.

    Attributes
    ----------
    header : what `build` said about the code
    addresses : of the functions, by name
    """

    def __init__(self, header: Any, object_code: bytes, names: Sequence[str]) -> None:
        self.header = header
        # an execution engine wants a module of its own; the code comes beside it
        self._engine = llvm.create_mcjit_compiler(_empty_module(), _target_machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(object_code))
        self._engine.finalize_object()
        self.addresses = {name: int(self._engine.get_function_address(name)) for name in names}


def load_code(key: str, names: Sequence[str], build: Callable[[], tuple[str, Any]]) -> MachineCode:
    """Code from the cache, or built and put there.

    Parameters
    ----------
    key : names what is compiled: equal keys, equal text
    names : functions wanted
    build : gives the module's LLVM IR, and anything that JSON can hold to be kept with it
    """
    path = _folder() / f"{_digest(key)}.bin"
    kept = _read(path)
    if kept is None:
        text, header = build()
        # through JSON now as later, so that nothing depends on whether the code was in the cache
        kept = json.loads(json.dumps(header)), _compile(text)
        _write(path, *kept)
    return MachineCode(*kept, names)


def compile_code(text: str, names: Sequence[str]) -> MachineCode:
    """Code of a module, compiled here and now and kept nowhere."""
    return MachineCode(None, _compile(text), names)


def _digest(key: str) -> str:
    features = llvm.get_host_cpu_features().flatten()
    told = f"{key}\0{llvmlite.__version__}\0{llvm.llvm_version_info}\0{llvm.get_host_cpu_name()}\0{features}\0"
    digest = hashlib.sha256(told.encode())
    for name in COMPILER:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()[:32]


def _folder() -> Path:
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("headstage", appauthor=False)) / "chips"


def _read(path: Path) -> tuple[Any, bytes] | None:
    try:
        content = path.read_bytes()
        magic, digest, n_header, n_code = _HEADER.unpack_from(content)
    except (OSError, struct.error):
        return None
    body = content[_HEADER.size :]
    if magic != _MAGIC or len(body) != n_header + n_code or hashlib.sha256(body).digest() != digest:
        return None
    return json.loads(body[:n_header]), body[n_header:]


def _write(path: Path, header: Any, object_code: bytes) -> None:
    told = json.dumps(header).encode()
    digest = hashlib.sha256(told + object_code).digest()
    arriving = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        arriving.write_bytes(_HEADER.pack(_MAGIC, digest, len(told), len(object_code)) + told + object_code)
        arriving.replace(path)
    except OSError:
        # no place to keep it: it is compiled again next time
        with contextlib.suppress(OSError):
            arriving.unlink()


def _compile(text: str) -> bytes:
    module = llvm.parse_assembly(text)
    module.verify()
    code: bytes = _target_machine().emit_object(module)
    return code


def _target_machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=1,
        jit=True,
        codemodel="large",
    )


def _empty_module() -> Any:
    return llvm.parse_assembly("")
