from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from akool_async.errors import InvalidParameterError
from akool_async.models import AgoraCredentials
from akool_async.rooms.room import OwnRoom, PreparedRoom, secret_text

TOKEN = "room-token-0123456789"


class Room(OwnRoom):
    """Notes which durations it makes credentials for."""

    stream_type = "agora"

    def __init__(self) -> None:
        self.durations: list[float | None] = []

    def prepare(self, *, duration: float | None = None) -> PreparedRoom:
        self.durations.append(duration)
        fields: dict[str, Any] = {"agora_uid": 7, "agora_channel": "c", "agora_token": TOKEN}
        bot = AgoraCredentials.model_validate({**fields, "agora_app_id": "a", "agora_uid": 8})
        return PreparedRoom("agora", fields, bot, avatar="7", bot="8")


def test_renewing_prepares_again_for_the_time_asked_for() -> None:
    room = Room()
    assert room.renew(duration=60) == room.prepare().bot_credentials
    assert room.durations == [60, None]
    assert room.can_renew is False  # a room says by itself that it makes new tokens


def test_a_room_has_to_say_how_it_is_prepared() -> None:
    with pytest.raises(TypeError, match="prepare"):
        OwnRoom()  # type: ignore[abstract]


def test_credentials_are_in_no_repr() -> None:
    prepared = Room().prepare()
    assert prepared.avatar_credentials["agora_token"] == TOKEN
    assert TOKEN not in repr(prepared)
    assert prepared.transport_options == {}


def test_a_secret_is_a_string_or_a_secret_string() -> None:
    assert secret_text("token", TOKEN) == secret_text("token", SecretStr(TOKEN)) == TOKEN


@pytest.mark.parametrize("value", ["", SecretStr(""), [TOKEN], None])
def test_a_wrong_secret_is_refused_and_not_quoted(value: object) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        secret_text("token", value)
    assert caught.value.field == "token"
    assert TOKEN not in str(caught.value)
