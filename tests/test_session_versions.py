from __future__ import annotations

from typing import Any

import pytest
from scripted import Scripted, envelope

from akool_async import AkoolClient
from akool_async.errors import ConfigurationError, InvalidParameterError
from akool_async.models.session import LegacySession
from akool_async.models.session_fields import SessionFields
from akool_async.rooms.room import PreparedRoom
from akool_async.session_versions import Version3, Version4

LEGACY = {
    "_id": "s3",
    "status": 2,
    "stream_urls": {"client_chat_room_url": "wss://chat.example/final_x/client_1.chat"},
}


def version_3(client: AkoolClient, **given: Any) -> Version3:
    fields: SessionFields = given.pop("fields", {})
    given = {"on_progress": None, "timeout": 5.0, "stream_type": "livekit", **given}
    executor = client.sessions._executor
    stream_type = given.pop("stream_type")
    return Version3(executor, "a", stream_type, fields, given["on_progress"], given["timeout"])


async def test_version_4_sends_the_fields_and_an_own_rooms_credentials(
    service: Scripted, client: AkoolClient
) -> None:
    fields: SessionFields = {"mode": 1, "duration": 60}
    plan = Version4(client.sessions._executor, "a", "agora", fields)
    assert plan.kind == "agora"
    credentials = {
        "agora_uid": 7,
        "agora_channel": "c",
        "agora_token": "t",
        "agora_app_id": "a",
    }
    own = PreparedRoom("agora", credentials, None, "avatar", "bot")  # type: ignore[arg-type]
    service.answer(envelope({"_id": "s4", "status": 2}))
    session = await plan.creation(own).session()
    assert session.id == "s4"
    assert service.last.json == {
        "avatar_id": "a",
        "stream_type": "agora",
        "mode_type": 1,
        "duration": 60,
        "credentials": credentials,
    }
    assert await plan.ready(session) is session
    assert plan.pause(session) is None
    await plan.closing(session).wait()
    assert service.last.path.endswith("/v4/liveAvatar/session/close")
    assert service.last.json == {"id": "s4"}


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ({}, {"avatar_id": "a"}),
        ({"stream_type": "agora"}, {"avatar_id": "a", "stream_type": "agora"}),
    ],
)
async def test_version_3_names_a_video_only_where_one_was_asked_for(
    service: Scripted, client: AkoolClient, given: dict[str, Any], body: dict[str, Any]
) -> None:
    service.answer(envelope(LEGACY))
    assert (await version_3(client, **given).creation(None).session()).id == "s3"
    assert service.last.json == body


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"fields": {"duration": 60}}, "duration"),
        ({"fields": {"knowledge_id": "k"}}, "knowledge_id"),
        ({"fields": {"voice_params": {}}}, "voice_params"),
        ({"fields": {"mode": 3}}, "mode"),
        ({"fields": {"language": 7}}, "language"),
        ({"fields": {"voice_id": 5}}, "voice_id"),
        ({"fields": {"voice_url": "no link"}}, "voice_url"),
        ({"timeout": 0}, "running_timeout"),
        ({"timeout": 86_401}, "running_timeout"),
        ({"on_progress": 5}, "on_progress"),
    ],
)
async def test_version_3_refuses_what_it_has_not(
    service: Scripted, client: AkoolClient, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        version_3(client, **given).creation(None)
    assert caught.value.field == field
    assert service.asked == []


async def test_version_3_waits_until_the_session_runs(
    service: Scripted, client: AkoolClient
) -> None:
    seen: list[int | None] = []
    plan = version_3(client, on_progress=lambda found: seen.append(found.status))
    session = LegacySession.read({**LEGACY, "status": 1})
    service.answer(envelope({**LEGACY, "status": 2}))
    running = await plan.ready(session)
    assert (running.status, running.credentials) == (2, session.credentials)
    assert seen[-1] == 2


async def test_closing_the_client_ends_that_wait(service: Scripted, client: AkoolClient) -> None:
    plan = version_3(client)
    service.otherwise = envelope({**LEGACY, "status": 1})
    client.sessions._executor.open_sessions.closing = True
    with pytest.raises(ConfigurationError, match="client is closed"):
        await plan.ready(LegacySession.read({**LEGACY, "status": 1}))


async def test_version_3_can_be_paused(service: Scripted, client: AkoolClient) -> None:
    await version_3(client).pause(LegacySession.read(LEGACY))()
    assert service.last.path.endswith("/session/pause")
