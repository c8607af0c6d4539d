"""Games of our own for the Atari 2600.

NAME.oph    a game's source, which includes console.oph, frame.oph, panel.oph ...
NAME.bin    what ophis makes of it; tests compare the two
NAME.py     `VARIABLES`: what the game keeps where in the RAM, the source of the stream ``game``
names.py    the games
"""
