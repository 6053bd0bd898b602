"""The simulated avatar: reads packets, carries out commands, speaks."""
