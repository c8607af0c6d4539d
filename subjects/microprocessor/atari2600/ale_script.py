"""Console inputs that ale-py gives a game, so that a run can be compared with it frame by frame.

ale-py changes inputs only between frames. Loading a cartridge runs 60 frames with nothing pressed, then the reset
switch for 4 + 4 frames; some games get a few frames more (observed with ale-py 0.12.1).
"""

from __future__ import annotations

from subjects.microprocessor.atari2600.console import ConsoleInputs, Stick

_DIRECTIONS = ("", "UP", "RIGHT", "LEFT", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT")
# Names by id: 0-17 of player A
ALE_ACTIONS = (
    "NOOP",
    "FIRE",
    *_DIRECTIONS[1:],
    *(direction + "FIRE" for direction in _DIRECTIONS[1:]),
)

N_IDLE_FRAMES = 60
N_RESET_FRAMES = 4


def ale_action(name: str) -> ConsoleInputs:
    """Inputs of an ale-py action of player A, by its name (`UPRIGHTFIRE`, `NOOP`)."""
    return ConsoleInputs(
        stick0=Stick(
            up="UP" in name, down="DOWN" in name, left="LEFT" in name, right="RIGHT" in name, fire="FIRE" in name
        )
    )


def ale_loading(game: str) -> tuple[ConsoleInputs, ...]:
    """Inputs of each frame between power-on and the state that ale-py shows after loading `game`."""
    idle, reset = ConsoleInputs(), ConsoleInputs(reset=True)
    n_resets = 3 if game == "space_invaders" else 2
    first_actions = (ale_action("UP"),) if game == "pitfall" else ()
    return (idle,) * N_IDLE_FRAMES + (reset,) * (n_resets * N_RESET_FRAMES) + first_actions
