"""What a session is opened with, by the options of a command."""

from __future__ import annotations

from typing import Any

import pytest

from akool_async.cli.options import DURATION, ChatOptions, SayOptions, SessionOptions
from akool_async.errors import InvalidParameterError
from akool_async.models.avatar import OFFICIAL_AVATARS


def test_without_options_it_is_the_public_avatar_over_livekit() -> None:
    fields = SayOptions().fields(1)
    assert fields["avatar_id"] == OFFICIAL_AVATARS[0]
    assert (fields["stream_type"], fields["duration"], fields["mode"]) == ("livekit", DURATION, 1)


def test_options_are_fields() -> None:
    wanted = SessionOptions(
        avatar="a", transport="agora", language="de", voice="v", duration=60, knowledge_id="k"
    )
    fields = wanted.fields(2)
    expected = {
        "avatar_id": "a",
        "stream_type": "agora",
        "language": "de",
        "voice_id": "v",
        "duration": 60,
        "knowledge_id": "k",
        "mode": 2,
    }
    assert {name: fields[name] for name in expected} == expected


@pytest.mark.parametrize(("mode", "sent"), [(1, 1), (2, 2), (None, 1)])
def test_a_chats_mode_comes_before_the_commands(mode: int | None, sent: int) -> None:
    assert ChatOptions(mode=mode).fields(1)["mode"] == sent


def test_the_chat_room_has_sessions_of_version_3() -> None:
    fields = ChatOptions(transport="chatroom").fields(2)
    assert fields["legacy"] is True
    assert "stream_type" not in fields
    assert "duration" not in fields
    assert ChatOptions(transport="chatroom", avatar="a").fields(2)["avatar_id"] == "a"


@pytest.mark.parametrize(
    ("given", "option"),
    [({"duration": 60}, "--duration"), ({"knowledge_id": "k"}, "--knowledge")],
)
def test_what_those_have_not_is_refused_by_the_options_name(
    given: dict[str, Any], option: str
) -> None:
    with pytest.raises(InvalidParameterError, match="leave it out") as caught:
        ChatOptions(transport="chatroom", **given).fields(2)
    assert caught.value.field == option
