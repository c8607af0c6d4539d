"""A transistor-level microprocessor on the board of a video game console."""
