"""What a person touches: the command line and the window. The only place with Qt."""
