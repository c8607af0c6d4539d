"""Makes the kernels that are shipped half compiled (`rig.shipped_kernels`): ``python -m app.ship_kernels``.

To be run when the sources of a kernel have changed, on the system that they are for; a test says when. It takes some
minutes: a session at the rig (`headstage demo`), recordings and a survey are gone through twice with empty folders,
first compiling everything, then finding in numba's cache what a start asks it for. Kernels within kernels are not among
these: they are part of what calls them.

A file for each module with kernels holds, as JSON in a zstandard frame: `made_for`, `sources` (digest), and `kernels`,
each with its name, argument types and return type as numba writes them, its symbol, that of its environment (module
globals, for exceptions), the environments of kernels within it by symbol, and the code: LLVM's, for processors with
AVX2 (others can run it too: it is compiled for the very processor where it is loaded).
"""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import zstandard

from rig.shipped_kernels import HOME, PACKAGES, RETURNS, file_name, made_for, shipped_kernels, sources_digest

PROCESSOR = "haswell"
FOLDER = HOME / "rig" / "kernels"
CHIP = ("-m", "app.cli.main", "record", "microprocessor", "--frames", "3", "--perturb", "silence alu3 at=20ms for=1ms")
SURVEY = ("-m", "app.cli.main", "survey", "lesions", "--games", "vesper")
SCENES = (
    ("-m", "app.draw.warm"),
    (*CHIP, "--out", "{home}/{turn}.rig"),
    ("-m", "app.cli.main", "record", "language-model", "--ticks", "80", "--out", "{home}/{turn}-verse.rig"),
    ("-m", "app.cli.main", "record", "learner", "--ticks", "40", "--out", "{home}/{turn}-learner.rig"),
    (*SURVEY, "--units", "m482", "--frames", "30", "--out", "{home}/{turn}.survey"),
    ("-m", "app.cli.main", "demo", "microprocessor", "--offscreen", "--size", "1280x800", "--out", "{home}/{turn}"),
)
_LOADED = re.compile(r"\[cache\] data loaded from '([^']+)'")
LEVEL = 19


def play(home: Path) -> set[Path]:
    """Go through the scenes twice; numba's files that the second turn asked for."""
    places = {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CACHE", "CONFIG", "DATA", "STATE")}
    environment = os.environ | places | {
        "HEADSTAGE_DATA": str(home / "data"),
        "NUMBA_CACHE_DIR": str(home / "numba"),
        "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator",
        "NUMBA_CPU_NAME": PROCESSOR,
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_DEBUG_CACHE": "1",
        "PYTHONUNBUFFERED": "1",
        "QT_QPA_PLATFORM": "offscreen",
    }  # fmt: skip
    loaded: set[Path] = set()
    for turn in ("compiling", "asking"):
        loaded.clear()
        for scene in SCENES:
            arguments = [part.format(home=home, turn=turn) for part in scene]
            print(turn, *arguments, flush=True)
            (home / "numba" / "warm").unlink(missing_ok=True)
            told = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)
            if told.returncode:
                raise SystemExit(f"{told.stdout[-2000:]}\n{told.stderr[-4000:]}")
            loaded |= {Path(name) for name in _LOADED.findall(told.stdout + told.stderr)}
    return loaded


def entry(path: Path) -> tuple[str, dict[str, Any]] | None:
    """Module and entry of a kernel in numba's cache; None for what cannot be shipped, after saying why."""
    library, description, own, signature, *_, referenced = pickle.loads(path.read_bytes())
    name = f"{description.modname}.{description.qualname}"
    if description.modname.partition(".")[0] not in PACKAGES:
        return None
    if str(description.restype) not in RETURNS:
        print(f"{name} returns {description.restype}, which is not in RETURNS: left out")
        return None
    if any(environment.consts for environment in (own, *referenced)):
        print(f"{name} needs constants of Python's: left out")
        return None
    _, _, (_, bitcode) = library
    return description.modname, {
        "name": description.qualname,
        "arguments": str(tuple(signature.args)),
        "returns": str(description.restype),
        "symbol": description.mangled_name,
        "environment": description.env_name,
        "environments": {environment.env_name: environment.globals["__name__"] for environment in referenced},
        "code": only_needed(bitcode, {description.llvm_func_name, description.llvm_cpython_wrapper_name}),
    }


def only_needed(bitcode: bytes, symbols: set[str]) -> str:
    """A module's code with some functions for all to see, and of the others what these need."""
    module = llvm.parse_bitcode(bitcode)
    for function in module.functions:
        if not function.is_declaration:
            function.linkage = "external" if function.name in symbols else "internal"
    target = llvm.Target.from_default_triple().create_target_machine()
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options())
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, builder)
    return str(module)


def write(kernels: dict[str, list[dict[str, Any]]]) -> None:
    """Write the files of modules whose kernels are not there, or from other sources; remove what nobody asks for."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        if path.name not in map(file_name, kernels):
            path.unlink()
    for module, entries in sorted(kernels.items()):
        there = shipped_kernels(module)
        if all((kernel["name"], kernel["arguments"]) in there for kernel in entries):
            continue
        entries.sort(key=lambda kernel: (kernel["name"], kernel["arguments"]))
        content = {"made_for": made_for(), "sources": sources_digest(module), "kernels": entries}
        packed = zstandard.ZstdCompressor(level=LEVEL).compress(json.dumps(content).encode())
        (FOLDER / file_name(module)).write_bytes(packed)
        print(f"{module}: {len(entries)} kernels, {len(packed) / 1000:.0f} kB")


def main() -> None:
    llvm.initialize_native_target()
    kernels = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(play(Path(folder))):
            if (found := entry(path)) is not None:
                kernels[found[0]].append(found[1])
    write(kernels)


if __name__ == "__main__":
    main()
