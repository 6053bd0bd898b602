"""The simulator's avatar in a room of a real LiveKit server."""
