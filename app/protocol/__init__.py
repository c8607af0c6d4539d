"""Protocols: lists of steps done to a subject at exact ticks, kept in a small file. No widgets."""
