"""The agora transport of akool-async."""
