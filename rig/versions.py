"""Which software made a recording."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np


def versions() -> dict[str, str]:
    try:
        own = version("headstage")
    except PackageNotFoundError:
        own = "unknown"
    return {"headstage": own, "python": platform.python_version(), "numpy": np.__version__}
