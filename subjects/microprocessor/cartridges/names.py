"""The names of our games, apart from their data so that listing them costs nothing."""

from __future__ import annotations

GAMES = ("vesper", "belfry", "tundra")
"""As `cartridge=NAME` takes them; the first is what lies in the console when nobody says."""
