"""Where compiled kernels are kept between runs.

numba's own cache looks at the file of a kernel, not at the files of what it calls: after an edit to one of those, the
old machine code would run on, and give the old results. So the cache lies in a folder named by our sources: all files
of every folder that has kernels in it, since a kernel may take a constant from its neighbour.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

import platformdirs

PACKAGES = ("rig", "subjects", "app")
KEPT_S = 30 * 86400.0


def use_kernel_cache() -> None:
    """Point numba at it. Must run before the first kernel is declared; a choice of the person's own is left alone."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    root = Path(platformdirs.user_cache_dir("headstage")) / "kernels"
    folder = root / sources_digest()
    try:
        fresh = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        if fresh:
            _forget_old(root, folder)
    except OSError:
        return  # no place to keep them: numba falls back on its own
    os.environ["NUMBA_CACHE_DIR"] = str(folder)  # for this process and those it spawns
    if "numba" in sys.modules:
        sys.modules["numba"].config.reload_config()


def sources_digest() -> str:
    """Digest of the sources beside which kernels lie."""
    home = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256(f"{home} {sys.version}".encode())
    sources: dict[Path, dict[Path, bytes]] = {}
    for package in PACKAGES:
        for path in sorted((home / package).rglob("*.py")):
            sources.setdefault(path.parent, {})[path] = path.read_bytes()
    for files in sources.values():
        if any(b"njit" in source for source in files.values()):
            for path, source in files.items():
                digest.update(f"{path}\n".encode() + source)
    return digest.hexdigest()[:16]


def _forget_old(root: Path, keep: Path) -> None:
    """Remove caches of sources that are no longer, once nobody has used them for a month."""
    for folder in root.iterdir():
        if folder != keep and folder.is_dir() and time.time() - folder.stat().st_mtime > KEPT_S:
            for path in sorted(folder.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            folder.rmdir()
