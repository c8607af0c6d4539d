"""The folder for everything that Headstage installs."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

DATA_VARIABLE = "HEADSTAGE_DATA"
"""Environment variable that names another folder for what is installed."""


def data_folder() -> Path:
    """`HEADSTAGE_DATA`, else the person's own data folder."""
    chosen = os.environ.get(DATA_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("headstage", appauthor=False))
