from __future__ import annotations

import pytest

from akool_async.models import LegacySession


@pytest.mark.parametrize(
    ("url", "client_id"),
    [
        ("wss://h:8443/final_x/client_8898.chat", "client_8898"),
        ("wss://h:8443/final_x/client_8898.chat?a=/b#c", "client_8898"),
        ("wss://[::1/final_x/client_8898.chat", "client_8898"),
        ("wss://[::1", "[::1"),
        ("nonsense", ""),
        ("x" * 10, ""),
    ],
)
def test_a_malformed_chat_room_url_is_left_to_the_transport(url: str, client_id: str) -> None:
    session = LegacySession.read({"_id": "s", "stream_urls": {"client_chat_room_url": url}})
    assert session.credentials is not None
    assert session.credentials.client_id == client_id
    assert session.credentials.server_id == client_id.replace("client", "server", 1)
    assert url not in repr(session) + repr(session.credentials)


def test_without_a_chat_room_url_there_are_no_credentials() -> None:
    assert LegacySession.read({"_id": "s", "stream_urls": {}}).credentials is None
