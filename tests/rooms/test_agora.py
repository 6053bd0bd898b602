from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest
from pydantic import SecretStr
from vendor_tokens import agora_token

from akool_async.errors import InvalidParameterError
from akool_async.models import AgoraCredentials
from akool_async.rest.session_create import session_create_body
from akool_async.rooms import OwnAgoraRoom
from akool_async.rooms.agora_token import read_agora_token

APP = "a" * 32
SDK_APP = 1400000000
PAST = time.time() - 86400


def agora(**changed: Any) -> OwnAgoraRoom:
    given: dict[str, Any] = {
        "channel": "c",
        "app_id": APP,
        "avatar_uid": 7,
        "avatar_token": agora_token(uid=7),
        "bot_uid": 8,
        "bot_token": agora_token(uid=8),
    }
    return OwnAgoraRoom(**(given | changed))


class TestAgora:
    def test_the_avatar_gets_its_token_and_the_bot_its_own(self) -> None:
        room = agora()
        assert isinstance(room.avatar_token, SecretStr)
        prepared = room.prepare(duration=60)
        assert prepared.avatar_credentials == {
            "agora_uid": 7,
            "agora_channel": "c",
            "agora_token": room.avatar_token.get_secret_value(),
            "agora_app_id": APP,
        }
        assert isinstance(prepared.bot_credentials, AgoraCredentials)
        assert prepared.bot_credentials.agora_uid == 8
        assert prepared.bot_credentials.agora_token == room.bot_token
        assert (prepared.avatar, prepared.bot) == ("7", "8")
        assert prepared.transport_options == {"avatar_uid": 7}
        body = session_create_body(
            "a", {"stream_type": prepared.stream_type, "credentials": prepared.avatar_credentials}
        )
        assert body["credentials"] == prepared.avatar_credentials

    @pytest.mark.parametrize(
        ("changed", "field", "problem"),
        [
            ({"channel": ""}, "channel", "empty"),
            ({"avatar_uid": 0}, "avatar_uid", "1..4294967295"),
            ({"bot_uid": 7}, "bot_uid", "avatar's too"),
            ({"bot_uid": "8"}, "bot_uid", "whole number"),
            ({"avatar_token": ""}, "avatar_token", "empty"),
            ({"avatar_token": agora_token(channel="d")}, "avatar_token", "the channel 'd'"),
            ({"bot_token": agora_token(uid=9)}, "bot_token", "for the uid 9, not for 8"),
            ({"bot_token": agora_token(uid=8, issued=PAST)}, "bot_token", "expired"),
            ({"avatar_token": agora_token(app_id="b" * 32)}, "avatar_token", "another project"),
        ],
    )
    def test_what_cannot_work_is_refused(
        self, changed: dict[str, Any], field: str, problem: str
    ) -> None:
        with pytest.raises(InvalidParameterError) as caught:
            agora(**changed)
        assert caught.value.field == field
        assert problem in caught.value.problem

    def test_a_token_that_expired_since_is_refused_when_it_is_needed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room = agora()
        later = time.time() + 86400
        monkeypatch.setattr(time, "time", lambda: later)
        with pytest.raises(InvalidParameterError, match="avatar_token: expired"):
            room.prepare()

    def test_tokens_never_show(self) -> None:
        tokens = [agora_token(uid=7), agora_token(uid=8)]
        room = agora(avatar_token=tokens[0], bot_token=SecretStr(tokens[1]))
        prepared = room.prepare()
        for shown in (repr(room), repr(prepared), repr(dataclasses.asdict(room))):
            assert not any(token in shown for token in tokens)
        assert prepared.avatar_credentials["agora_token"] == tokens[0]

    def test_it_has_no_other_token_to_renew_with(self) -> None:
        room = agora()
        assert not room.can_renew
        assert room.renew() == room.prepare().bot_credentials

    def test_a_token_for_any_uid_fits(self) -> None:
        assert agora(avatar_token=agora_token(uid=0)).prepare().avatar_credentials["agora_uid"] == 7

    @pytest.mark.parametrize("token", ["006abc", "007", "007!!", "007" + "A" * 40, "x"])
    def test_of_what_it_cannot_read_nothing_is_said(self, token: str) -> None:
        assert read_agora_token(token) is None
        assert agora(avatar_token=token).prepare().avatar_credentials["agora_token"] == token
