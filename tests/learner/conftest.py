"""The reference network of torch lies beside the tests."""

from __future__ import annotations

import sys
from pathlib import Path

# pytest's importlib mode does not make a test's neighbours importable
sys.path.insert(0, str(Path(__file__).parent))
