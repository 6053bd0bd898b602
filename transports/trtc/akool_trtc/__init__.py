"""The trtc transport of akool-async."""
