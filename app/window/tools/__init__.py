"""Tools that act on the selection: inspector, stimulate, silence, protocol."""
