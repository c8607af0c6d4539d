"""The foundry: a generator that builds our own processor, the HS6502, from structures down to single transistors."""
