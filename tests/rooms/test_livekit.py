from __future__ import annotations

import builtins
import time
from typing import Any

import jwt
import pytest
from livekit import api
from pydantic import SecretStr

from akool_async.errors import (
    ConfigurationError,
    InvalidParameterError,
    MissingDependencyError,
)
from akool_async.models import LiveKitCredentials
from akool_async.rooms import OwnLiveKitRoom
from akool_async.rooms.livekit import TOKEN_MARGIN

URL = "wss://livekit.example"
KEY = "APIkey0123"
SECRET = "a-secret-of-more-than-32-characters"
PAIR: dict[str, Any] = {"url": URL, "api_key": KEY, "api_secret": SECRET}


def token(identity: str, *, room: str = "r", life: float = 3 * 3600, **grants: Any) -> str:
    video = {"roomJoin": True, "room": room, **grants}
    payload = {"iss": KEY, "sub": identity, "video": video, "exp": int(time.time() + life)}
    return jwt.encode(payload, SECRET, algorithm="HS256")


class TestKeyPair:
    def test_tokens_are_made_with_the_least_grants(self) -> None:
        room = OwnLiveKitRoom(**PAIR, name="r", avatar_identity="avatar", bot_identity="bot")
        prepared = room.prepare(duration=600)
        assert {
            name: prepared.avatar_credentials[name]
            for name in prepared.avatar_credentials
            if name != "livekit_token"
        } == {
            "livekit_url": URL,
            "livekit_room_name": "r",
            "livekit_server_identity": "avatar",
            "livekit_client_identity": "bot",
        }
        avatar = api.TokenVerifier(KEY, SECRET).verify(prepared.avatar_credentials["livekit_token"])
        assert avatar.video is not None
        assert (avatar.identity, avatar.video.room, avatar.video.room_join) == ("avatar", "r", True)
        assert avatar.video.can_publish
        assert avatar.video.can_publish_data

        assert isinstance(prepared.bot_credentials, LiveKitCredentials)
        assert prepared.bot_credentials.livekit_token is not None
        bot = api.TokenVerifier(KEY, SECRET).verify(
            prepared.bot_credentials.livekit_token.get_secret_value()
        )
        assert bot.video is not None
        assert (bot.identity, bot.video.room) == ("bot", "r")
        assert bot.video.can_publish
        assert bot.video.can_publish_sources == ["microphone", "camera"]
        assert bot.video.can_publish_data
        for claims in (avatar, bot):
            assert claims.video is not None
            assert not claims.video.room_admin
            assert not claims.video.room_create
            assert not claims.video.room_list

    def test_who_speaks_by_data_streams_publishes_nothing(self) -> None:
        room = OwnLiveKitRoom(**PAIR, audio_only_from_data_stream=True)
        token = room.renew().livekit_token
        assert token is not None
        bot = api.TokenVerifier(KEY, SECRET).verify(token.get_secret_value())
        assert bot.video is not None
        assert not bot.video.can_publish
        assert bot.video.can_publish_data

    def test_renewing_gives_the_bot_another_token(self) -> None:
        room = OwnLiveKitRoom(**PAIR, bot_identity="bot")
        assert room.can_renew
        renewed = room.renew(duration=900)
        assert renewed.livekit_room_name == room.name
        assert renewed.livekit_token is not None
        claims = jwt.decode(renewed.livekit_token.get_secret_value(), SECRET, algorithms=["HS256"])
        assert claims["sub"] == "bot"
        assert 900 < claims["exp"] - time.time() <= 900 + TOKEN_MARGIN + 1

    @pytest.mark.parametrize(("duration", "expected"), [(60, 60), (3600, 3600), (None, 3600)])
    def test_they_live_a_little_longer_than_the_session(
        self, duration: float | None, expected: float
    ) -> None:
        prepared = OwnLiveKitRoom(**PAIR).prepare(duration=duration)
        assert isinstance(prepared.bot_credentials, LiveKitCredentials)
        assert prepared.bot_credentials.livekit_token is not None
        bots = prepared.bot_credentials.livekit_token.get_secret_value()
        for minted in (prepared.avatar_credentials["livekit_token"], bots):
            claims = jwt.decode(minted, SECRET, algorithms=["HS256"])
            left = claims["exp"] - time.time()
            assert expected < left <= expected + TOKEN_MARGIN + 1

    def test_names_are_made_up_and_remembered(self) -> None:
        first, second = OwnLiveKitRoom(**PAIR), OwnLiveKitRoom(**PAIR)
        assert first.name != second.name
        assert first.avatar_identity != first.bot_identity
        assert first.prepare().avatar == first.prepare().avatar == first.avatar_identity

    def test_the_environment_has_what_is_not_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LIVEKIT_URL", f" {URL}\n")
        monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
        monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
        room = OwnLiveKitRoom()
        assert (room.url, room.api_key, room.api_secret) == (URL, KEY, SecretStr(SECRET))
        assert OwnLiveKitRoom(url="ws://127.0.0.1:7880").url == "ws://127.0.0.1:7880"
        ready = OwnLiveKitRoom(avatar_token=token("avatar"), bot_token=token("bot"))
        assert (ready.url, ready.api_key) == (URL, None)

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({}, "LIVEKIT_URL"),
            ({"url": URL}, "LIVEKIT_API_KEY"),
            ({"url": URL, "api_key": KEY}, "LIVEKIT_API_SECRET"),
        ],
    )
    def test_what_is_missing_is_named(self, given: dict[str, Any], expected: str) -> None:
        with pytest.raises(ConfigurationError, match=expected):
            OwnLiveKitRoom(**given)

    def test_without_livekit_api_the_install_line_is_given(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room = OwnLiveKitRoom(**PAIR)
        real = builtins.__import__

        def without(name: str, *args: Any, **named: Any) -> Any:
            if name == "livekit":
                raise ImportError(name)
            return real(name, *args, **named)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(MissingDependencyError) as caught:
            room.prepare()
        assert caught.value.install == 'pip install "akool-async[livekit]"'

    @pytest.mark.parametrize("url", ["https://livekit.example", "livekit.example", "wss://"])
    def test_a_url_that_is_no_websocket_is_refused(self, url: str) -> None:
        with pytest.raises(InvalidParameterError, match=r"^url: .*wss://"):
            OwnLiveKitRoom(**(PAIR | {"url": url}))

    def test_the_same_identity_twice_is_refused(self) -> None:
        with pytest.raises(InvalidParameterError, match=r"^bot_identity: .*avatar's too"):
            OwnLiveKitRoom(**PAIR, avatar_identity="x", bot_identity="x")

    def test_secrets_never_show(self) -> None:
        room = OwnLiveKitRoom(**PAIR | {"url": "wss://user:the-pass-word@livekit.example/rtc"})
        prepared = room.prepare()
        assert "wss://***@livekit.example/rtc" in repr(room)
        for shown in (repr(room), repr(prepared)):
            assert SECRET not in shown
            assert "the-pass-word" not in shown
            assert prepared.avatar_credentials["livekit_token"] not in shown


class TestReadyTokens:
    def test_they_are_used_as_they_are(self) -> None:
        avatar, bot = token("avatar"), token("bot", canPublish=False, canPublishData=True)
        room = OwnLiveKitRoom(url=URL, avatar_token=avatar, bot_token=SecretStr(bot))
        prepared = room.prepare(duration=3600)
        assert prepared.avatar_credentials["livekit_token"] == avatar
        assert isinstance(prepared.bot_credentials, LiveKitCredentials)
        assert prepared.bot_credentials.livekit_token == SecretStr(bot)
        assert (room.name, prepared.avatar, prepared.bot) == ("r", "avatar", "bot")

    @pytest.mark.parametrize(
        ("given", "field", "problem"),
        [
            ({"bot_token": token("bot", room="other")}, "bot_token", "the room 'other'"),
            ({"avatar_token": token("avatar", life=-5)}, "avatar_token", "expired"),
            ({"bot_token": token("bot", life=-5)}, "bot_token", "expired"),
            ({"bot_token": token("avatar")}, "bot_identity", "avatar's too"),
            ({"bot_token": token("bot", roomJoin=False)}, "bot_token", "roomJoin"),
            ({"bot_token": token("bot", canPublishData=False)}, "bot_token", "canPublishData"),
            ({"bot_token": token("bot", canPublish=False)}, "bot_token", "canPublishData"),
            ({"bot_token": "no-token-at-all"}, "bot_token", "access token"),
            ({"bot_token": None}, "bot_token", "both"),
            ({"avatar_token": None}, "avatar_token", "both"),
            ({"name": "mine"}, "avatar_token", "the session is for 'mine'"),
            ({"avatar_identity": "x"}, "avatar_token", "not for 'x'"),
            ({"api_secret": SECRET}, "api_secret", "ready tokens"),
        ],
    )
    def test_wrong_ones_are_refused(self, given: dict[str, Any], field: str, problem: str) -> None:
        tokens = {"avatar_token": token("avatar"), "bot_token": token("bot")}
        with pytest.raises(InvalidParameterError) as caught:
            OwnLiveKitRoom(url=URL, **(tokens | given))
        assert caught.value.field == field
        assert problem in caught.value.problem

    def test_tokens_for_any_room_need_its_name(self) -> None:
        tokens = {"avatar_token": token("avatar", room=""), "bot_token": token("bot", room="")}
        with pytest.raises(InvalidParameterError, match=r"^name: "):
            OwnLiveKitRoom(url=URL, **tokens)
        assert OwnLiveKitRoom(url=URL, name="mine", **tokens).name == "mine"

    def test_one_that_expired_since_is_refused_when_it_is_needed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room = OwnLiveKitRoom(url=URL, avatar_token=token("avatar"), bot_token=token("bot"))
        later = time.time() + 86400
        monkeypatch.setattr(time, "time", lambda: later)
        with pytest.raises(InvalidParameterError, match="avatar_token: expired"):
            room.prepare()
