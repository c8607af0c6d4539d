"""What the tests of our games share."""

from __future__ import annotations

import sys
from pathlib import Path

# pytest's importlib mode does not make a test's neighbours importable
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "atari2600")]
