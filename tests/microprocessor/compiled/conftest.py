"""What the compiler's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def code_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty folder for machine code: nothing tested here was compiled before."""
    folder = tmp_path_factory.mktemp("code")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTAGE_CODE_CACHE", str(folder))
        yield folder
