"""The shared codec: messages to packets and back, synchronous, without I/O or a clock."""
