"""The text of a function in LLVM IR, line by line."""

from __future__ import annotations


class IrFunction:
    """A function whose registers are numbered.

    Parameters
    ----------
    head : its first line
    """

    def __init__(self, head: str) -> None:
        self._lines = [head]
        self._n_registers = 0

    def put(self, line: str) -> None:
        self._lines.append(f"  {line}")

    def new(self, right: str) -> str:
        """Assign to a new register; its name."""
        self._n_registers += 1
        self.put(f"%r{self._n_registers} = {right}")
        return f"%r{self._n_registers}"

    def label(self, name: str) -> None:
        self._lines.append(f"{name}:")

    def ended(self) -> list[str]:
        """All its lines."""
        return [*self._lines, "  ret void", "}"]
