"""Rooms of Agora and TRTC, which cannot run here: a websocket relay with their rules."""
