"""Two hundred recordings killed at random moments: nothing acknowledged is lost, nothing is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

N_KILLS = 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the children are forked, which this system cannot")
def test_nothing_acknowledged_is_lost_in_200_kills(tmp_path: Path) -> None:
    server = Path(__file__).with_name("kill_server.py")
    seed = int.from_bytes(os.urandom(4), "little")
    ran = subprocess.run(
        [sys.executable, str(server), str(tmp_path), str(N_KILLS), str(seed)], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    print(f"seed {seed}: {result}")
    assert result["wrong"] == []
    assert result["n_kills"] == N_KILLS
    assert result["n_acknowledged"] > N_KILLS // 4  # four in five live until they first say something
    assert result["n_ticks"] > N_KILLS
