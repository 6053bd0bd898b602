from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import SecretStr
from vendor_tokens import agora_token, user_sig

from akool_async.errors import InvalidParameterError
from akool_async.models import AgoraCredentials, TRTCCredentials
from akool_async.rest.session_create import session_create_body
from akool_async.rooms import OwnAgoraRoom, OwnTRTCRoom
from akool_async.rooms.agora_token import read_agora_token
from akool_async.rooms.trtc_user_sig import read_user_sig

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


def trtc(**changed: Any) -> OwnTRTCRoom:
    given: dict[str, Any] = {
        "room_id": "r",
        "app_id": SDK_APP,
        "avatar_user_id": "avatar",
        "avatar_user_sig": user_sig(user_id="avatar"),
        "bot_user_id": "bot",
        "bot_user_sig": SecretStr(user_sig(user_id="bot")),
    }
    return OwnTRTCRoom(**(given | changed))


class TestAgora:
    def test_the_avatar_gets_its_token_and_the_bot_its_own(self) -> None:
        room = agora()
        prepared = room.prepare(duration=60)
        assert prepared.avatar_credentials == {
            "agora_uid": 7,
            "agora_channel": "c",
            "agora_token": room.avatar_token,
            "agora_app_id": APP,
        }
        assert isinstance(prepared.bot_credentials, AgoraCredentials)
        assert prepared.bot_credentials.agora_uid == 8
        assert prepared.bot_credentials.agora_token == SecretStr(str(room.bot_token))
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
        room = agora()
        for shown in (repr(room), repr(room.prepare())):
            assert str(room.avatar_token) not in shown
            assert str(room.bot_token) not in shown

    def test_a_token_for_any_uid_fits(self) -> None:
        assert agora(avatar_token=agora_token(uid=0)).prepare().avatar_credentials["agora_uid"] == 7

    @pytest.mark.parametrize("token", ["006abc", "007", "007!!", "007" + "A" * 40, "x"])
    def test_of_what_it_cannot_read_nothing_is_said(self, token: str) -> None:
        assert read_agora_token(token) is None
        assert agora(avatar_token=token).prepare().avatar_credentials["agora_token"] == token

    def test_a_token_cut_anywhere_is_no_crash(self) -> None:
        whole = agora_token()
        for end in range(len(whole)):
            read_agora_token(whole[:end])


class TestTRTC:
    def test_both_spellings_each_where_it_belongs(self) -> None:
        prepared = trtc().prepare()
        assert set(prepared.avatar_credentials) == {
            "trtc_sdk_app_id",
            "trtc_sdk_room_id",
            "trtc_sdk_user_id",
            "trtc_sdk_user_sig",
        }
        assert prepared.avatar_credentials["trtc_sdk_user_id"] == "avatar"
        assert isinstance(prepared.bot_credentials, TRTCCredentials)
        assert (prepared.bot_credentials.trtc_user_id, prepared.bot_credentials.trtc_room_id) == (
            "bot",
            "r",
        )
        assert prepared.transport_options == {"avatar_user_id": "avatar"}

    @pytest.mark.parametrize(
        ("changed", "field", "problem"),
        [
            ({"room_id": 5}, "room_id", "string"),
            ({"app_id": 0}, "app_id", "1 or more"),
            ({"bot_user_id": "avatar"}, "bot_user_id", "avatar's too"),
            ({"avatar_user_sig": user_sig(user_id="x")}, "avatar_user_sig", "the user 'x'"),
            ({"bot_user_sig": user_sig(user_id="bot", made=PAST)}, "bot_user_sig", "expired"),
            (
                {"bot_user_sig": user_sig(user_id="bot", app_id=5)},
                "bot_user_sig",
                f"the application 5, not of {SDK_APP}",
            ),
        ],
    )
    def test_what_cannot_work_is_refused(
        self, changed: dict[str, Any], field: str, problem: str
    ) -> None:
        with pytest.raises(InvalidParameterError) as caught:
            trtc(**changed)
        assert caught.value.field == field
        assert problem in caught.value.problem

    def test_signatures_never_show(self) -> None:
        room = trtc()
        assert str(room.avatar_user_sig) not in repr(room) + repr(room.prepare())

    @pytest.mark.parametrize("signature", ["x", "eJw", "!!", user_sig()[:40]])
    def test_of_what_it_cannot_read_nothing_is_said(self, signature: str) -> None:
        assert read_user_sig(signature) is None
        assert trtc(avatar_user_sig=signature).prepare().avatar == "avatar"


def test_a_wrong_token_is_refused_by_session_create_too() -> None:
    """Also for those who give `credentials=` themselves."""
    credentials = {"agora_uid": 7, "agora_channel": "d", "agora_token": agora_token()}
    with pytest.raises(InvalidParameterError, match=r"credentials\.agora_token: .*channel 'c'"):
        session_create_body("a", {"credentials": credentials})
    signed = {
        "trtc_sdk_app_id": SDK_APP,
        "trtc_sdk_room_id": "r",
        "trtc_sdk_user_id": "somebody",
        "trtc_sdk_user_sig": user_sig(user_id="else"),
    }
    with pytest.raises(InvalidParameterError, match=r"credentials\.trtc_sdk_user_sig: "):
        session_create_body("a", {"stream_type": "trtc", "credentials": signed})
