"""The simulator's own LiveKit room. It carries data only."""
