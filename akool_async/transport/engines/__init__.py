"""What the transports over a vendor's engine (Agora, TRTC) share.

`transport` has the transport itself, `participants` who is in the room and which of them is the
avatar, `media` their audio and video, `relay_client` the engine for a simulator's rooms.
"""
