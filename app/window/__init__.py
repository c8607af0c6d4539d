"""The window: one glance at one subject. Panes pull samples from rings; signals carry state, never samples."""
