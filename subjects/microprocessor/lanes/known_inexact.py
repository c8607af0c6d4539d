"""Lesions of each chip that come out otherwise in lanes than event by event, as far as `lanes.exactness` has tried."""

from __future__ import annotations

from collections.abc import Mapping

from subjects.microprocessor.chip import Inexact
from subjects.microprocessor.hs6502 import HS6502
from subjects.microprocessor.lanes.hs6502_inexact import INEXACT as OF_HS6502
from subjects.microprocessor.lanes.mos6502_inexact import INEXACT as OF_MOS6502
from subjects.microprocessor.mos6502 import MOS6502

INEXACT_IN_LANES: Mapping[str, Inexact] = {HS6502.name: OF_HS6502, MOS6502.name: OF_MOS6502}
"""By name of the chip."""
