"""Recordings on disk: the native format, its writer that loses nothing, its reader that is never wrong."""
