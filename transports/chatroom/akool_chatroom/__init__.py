"""The legacy v3 chat room of AKOOL streaming avatars, as a transport of akool-async.

docs/protocol.md §3. Install it with `pip install "akool-async[chatroom]"`; it is found by its name,
`chatroom`, and used by `open_session(…, legacy=True)`.
"""

from __future__ import annotations

from akool_chatroom.options import ChatRoomOptions
from akool_chatroom.transport import ChatRoomTransport

__all__ = ["ChatRoomOptions", "ChatRoomTransport"]
