"""The livekit transport of akool-async."""
