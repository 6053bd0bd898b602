"""Whatever the service sends is read; unknown, missing and odd fields never fail an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from akool_async.models import (
    AgoraCredentials,
    Avatar,
    AvatarStatus,
    Language,
    LegacySession,
    LiveKitCredentials,
    Session,
    TRTCCredentials,
    Voice,
)
from akool_async.models.base import Answer, read_many
from akool_async.models.credentials import read_credentials

SAMPLES = Path(__file__).parents[1] / "samples" / "rest"

LIVEKIT = {
    "livekit_url": "wss://room.example",
    "livekit_token": "livekit-token-0123456789",
    "livekit_room_name": "r",
    "livekit_server_identity": "avatar",
    "livekit_client_identity": "me",
}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())["data"]


class TestSamples:
    """The examples of the vendor's documents."""

    def test_an_uploaded_avatar(self) -> None:
        avatar = Avatar.read(sample("avatar_create"))
        assert avatar.avatar_id == "Yasmin_in_White_shirt_20231121"
        assert (avatar.status, avatar.source, avatar.type) == (AvatarStatus.QUEUEING, 2, 2)
        assert avatar.create_time == 1700788730000
        assert not avatar.ready
        assert not avatar.failed

    def test_the_list_of_avatars(self) -> None:
        (avatar,) = read_many(Avatar, sample("avatar_list")["result"])
        assert avatar.available is True
        assert avatar.thumbnail_url is not None
        assert avatar.thumbnail_url.endswith(".webp")

    def test_a_created_session(self) -> None:
        session = Session.read(sample("session_create"))
        assert (session.id, session.uid, session.status) == ("6698c9d69cf7b0d61d1b6420", 100010, 1)
        assert session.open
        assert isinstance(session.credentials, AgoraCredentials)
        assert session.credentials.agora_uid == 100000
        # The example's token is empty: that is none.
        assert session.credentials.agora_token is None

    def test_a_sessions_detail_without_token(self) -> None:
        session = Session.read(sample("session_detail"))
        assert not session.open
        assert session.credentials is not None
        assert session.credentials.kind == "agora"

    def test_a_legacy_session(self) -> None:
        session = LegacySession.read(sample("legacy_create"))
        credentials = session.credentials
        assert credentials is not None
        assert (credentials.client_id, credentials.server_id) == ("client_8898", "server_8898")
        url = credentials.client_chat_room_url.get_secret_value()
        assert url.endswith("/final_20240718075254093_8898/client_8898.chat")

    def test_a_legacy_sessions_detail_has_the_video_only(self) -> None:
        session = LegacySession.read(sample("legacy_detail"))
        assert session.credentials is None
        assert session.stream_urls.client_pull_stream_url is not None

    def test_a_legacy_sessions_whip_url_is_secret(self) -> None:
        (session,) = read_many(LegacySession, sample("legacy_list")["result"])
        assert session.stream_urls.client_push_stream_url is not None
        assert "20240615060910789_3712" not in repr(session)


@pytest.mark.parametrize("kind", [Avatar, Voice, Language, Session, LegacySession])
@pytest.mark.parametrize("odd", ["", "x", [], {}, None, 5, 5.5, True, "7"])
def test_any_field_may_be_anything(kind: type[Answer], odd: object) -> None:
    """A field of a type that no one documented is left out; it never fails an answer."""
    names = {name: field.alias or name for name, field in kind.model_fields.items()}
    for alias in names.values():
        found = kind.read({alias: odd})
        assert isinstance(found, kind)
    found = kind.read(dict.fromkeys(names.values(), odd))
    assert isinstance(found, kind)


def test_one_odd_field_leaves_the_others() -> None:
    avatar = Avatar.read({"avatar_id": 12, "status": "soon", "from": "2", "available": "maybe"})
    assert (avatar.avatar_id, avatar.status, avatar.source, avatar.available) == (
        "12",
        None,
        2,
        None,
    )


def test_numbers_as_strings_and_ids_as_numbers() -> None:
    session = Session.read({"_id": 6698, "uid": "100010", "status": "2", "duration": "60"})
    assert (session.id, session.uid, session.status, session.duration) == ("6698", 100010, 2, 60)


def test_unknown_fields_are_kept_apart() -> None:
    avatar = Avatar.read({"avatar_id": "a", "brand_new": {"x": 1}})
    assert avatar.model_extra == {"brand_new": {"x": 1}}
    assert "brand_new" not in repr(avatar)
    assert avatar.to_dict()["brand_new"] == {"x": 1}


@pytest.mark.parametrize("raw", [None, 5, "x", []])
def test_what_is_no_object_is_refused(raw: object) -> None:
    with pytest.raises(ValidationError):
        Avatar.read(raw)


def test_what_is_no_list_is_refused() -> None:
    assert read_many(Avatar, None) == []
    for raw in ({}, "x", [5]):
        with pytest.raises(ValueError):
            read_many(Avatar, raw)


class TestSecrets:
    def test_tokens_never_show(self) -> None:
        session = Session.read({"_id": "1", "credentials": LIVEKIT, "new_token": "unknown-secret"})
        for shown in (repr(session), str(session), f"{session.credentials!r}"):
            assert "livekit-token-0123456789" not in shown
            assert "unknown-secret" not in shown
        assert "livekit-token-0123456789" not in json.dumps(session.to_dict())
        assert "unknown-secret" not in json.dumps(session.to_dict())

    def test_an_errors_text_holds_no_input(self) -> None:
        with pytest.raises(ValidationError) as caught:
            LiveKitCredentials.read({"livekit_token": "livekit-token-0123456789"})
        assert "livekit-token" not in str(caught.value)

    def test_a_session_survives_json_with_its_secrets(self) -> None:
        session = Session.read(
            {"_id": "1", "stream_type": "livekit", "credentials": {**LIVEKIT, "more": 1}, "z": [1]}
        )
        text = json.dumps(session.to_dict(include_secrets=True))
        assert Session.read(json.loads(text)) == session

    def test_a_legacy_session_survives_json_with_its_secrets(self) -> None:
        session = LegacySession.read(sample("legacy_create"))
        again = LegacySession.read(json.loads(json.dumps(session.to_dict(include_secrets=True))))
        assert again == session
        assert "20240718075254093" not in json.dumps(session.to_dict())


class TestCredentials:
    @pytest.mark.parametrize("prefix", ["trtc_", "trtc_sdk_"])
    def test_both_spellings_of_trtc(self, prefix: str) -> None:
        raw = {f"{prefix}app_id": "5", f"{prefix}room_id": 7, f"{prefix}user_id": "u"}
        found = read_credentials({**raw, f"{prefix}user_sig": "signature-0123456789"})
        assert isinstance(found, TRTCCredentials)
        assert (found.trtc_app_id, found.trtc_room_id, found.trtc_user_id) == (5, "7", "u")
        assert found.trtc_user_sig is not None
        assert "signature" not in repr(found)

    @pytest.mark.parametrize(
        "raw", [None, {}, [], "x", {"livekit_token": "t"}, {"agora_channel": "c"}, {"foo": 1}]
    )
    def test_what_cannot_be_joined_with_is_none(self, raw: object) -> None:
        assert read_credentials(raw) is None
        assert Session.read({"_id": "1", "credentials": raw}).credentials is None

    def test_the_servers_id_follows_from_the_clients(self) -> None:
        urls = {"client_chat_room_url": "wss://host:8443/final_x/client_77.chat"}
        session = LegacySession.read({"_id": "1", "stream_urls": urls})
        assert session.credentials is not None
        assert session.credentials.server_id == "server_77"

    @pytest.mark.parametrize("url", ["wss://[1/final_x/client_77.chat", "wss://[v/client_77.chat"])
    def test_an_unreadable_url_is_left_to_the_transport(self, url: str) -> None:
        session = LegacySession.read({"_id": "1", "stream_urls": {"client_chat_room_url": url}})
        assert session.credentials is not None
        assert session.credentials.client_id == "client_77"
