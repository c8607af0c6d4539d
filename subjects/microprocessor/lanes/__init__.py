"""Many chips in lockstep, each with its own lesions, board and screen."""
