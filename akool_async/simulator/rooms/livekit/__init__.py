"""The simulator's own LiveKit room. It carries data, and media where the simulator has them on."""
