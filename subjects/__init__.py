"""The preparations. Each is a plugin: a folder that imports `rig` and nothing else of ours."""
