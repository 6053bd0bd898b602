"""The chatroom transport of akool-async."""
