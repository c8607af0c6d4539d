"""The instrument: contract, clock, streams, rings, recorder, recordings, perturbations, export."""
