"""Where compiled kernels are kept between runs.

numba's own cache looks at the file of a kernel, not at the files of what it calls: after an edit to one of those, the
old machine code would run on, and give the old results. So the cache lies in a folder named by the sources that
have kernels in them, and by those that they import.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from pathlib import Path

import platformdirs

PACKAGES = ("rig", "subjects", "app")
_IMPORT = re.compile(rb"^\s*(?:from|import) ((?:rig|subjects|app)[\w.]*)", re.MULTILINE)
KEPT_S = 30 * 86400.0

LOCATORS_VARIABLE = "NUMBA_CACHE_LOCATOR_CLASSES"
LOCATORS = "rig.shipped_kernels.KernelLocator,InTreeCacheLocator,UserWideCacheLocator,IPythonCacheLocator"
"""numba's own, but for the first, which lets it look into the kernels that come with Headstage (`shipped_kernels`)."""


def use_kernel_cache() -> None:
    """Point numba at it. Must run before the first kernel is declared; a choice of the person's own is left alone."""
    os.environ.setdefault(LOCATORS_VARIABLE, LOCATORS)  # for this process and those it spawns
    if "NUMBA_CACHE_DIR" not in os.environ:
        _use_own_folder()
    if "numba" in sys.modules:
        sys.modules["numba"].config.reload_config()


def _use_own_folder() -> None:
    root = Path(platformdirs.user_cache_dir("headstage", appauthor=False)) / "kernels"
    folder = root / sources_digest()
    try:
        fresh = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        if fresh:
            _forget_old(root, folder)
    except OSError:
        return  # no place to keep them: numba falls back on its own
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def sources_digest() -> str:
    """Digest of every source file with a kernel in it, and of all that these import of ours."""
    home = Path(__file__).resolve().parent.parent
    sources = {path: path.read_bytes() for package in PACKAGES for path in (home / package).rglob("*.py")}
    waiting = [path for path, source in sources.items() if b"njit" in source]
    found = set(waiting)
    while waiting:
        for name in _IMPORT.findall(sources[waiting.pop()]):
            imported = home.joinpath(*name.decode().split(".")).with_suffix(".py")
            if imported in sources and imported not in found:
                found.add(imported)
                waiting.append(imported)
    digest = hashlib.sha256(f"{home} {sys.version}".encode())
    for path in sorted(found):
        digest.update(f"{path}\n".encode() + sources[path])
    return digest.hexdigest()[:16]


def _forget_old(root: Path, keep: Path) -> None:
    """Remove caches of sources that are no longer, once nobody has used them for a month."""
    for folder in root.iterdir():
        if folder != keep and folder.is_dir() and time.time() - folder.stat().st_mtime > KEPT_S:
            for path in sorted(folder.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            folder.rmdir()
