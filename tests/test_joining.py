"""How a room is joined: what the caller gives for it, and what a session made elsewhere says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from akool_async import RespondWith
from akool_async.errors import InvalidParameterError, JoinError
from akool_async.joining import (
    JoinBy,
    credentials_of,
    home_of,
    pull_url_of,
    read_session,
)
from akool_async.models.credentials import LiveKitCredentials
from akool_async.models.session import LegacySession, Session
from akool_async.testing.in_memory_room import InMemoryTransport

TOKEN = "room-token-0123456789"
CREDENTIALS = {
    "livekit_url": "wss://lk.example",
    "livekit_token": TOKEN,
    "livekit_server_identity": "avatar",
}
NOTHING = JoinBy(
    transport=None, transport_options=None, engine=None, options=None, renew_credentials=None
)


async def answers(text: str) -> str:
    return text


class TestResponder:
    def test_a_function_becomes_a_responder_and_a_responder_stays(self) -> None:
        made = replace(NOTHING, respond_with=answers).responder(None, "v2")
        assert isinstance(made, RespondWith)
        given = RespondWith(answers)
        assert replace(NOTHING, respond_with=given).responder(1, "v2") is given
        assert NOTHING.responder(2, "v3") is None

    @pytest.mark.parametrize(
        ("given", "mode", "dialect", "field"),
        [
            (answers, None, "v3", "respond_with"),
            (answers, 2, "v2", "mode"),
            ("a text", None, "v2", "respond_with"),
        ],
    )
    def test_what_cannot_answer_is_refused(
        self, given: Any, mode: int | None, dialect: Any, field: str
    ) -> None:
        with pytest.raises(InvalidParameterError) as caught:
            replace(NOTHING, respond_with=given).responder(mode, dialect)
        assert caught.value.field == field


class TestTransport:
    def test_by_default_it_is_the_kinds(self) -> None:
        assert NOTHING.find("livekit").name == "livekit"
        assert replace(NOTHING, transport="agora").find("livekit").name == "agora"
        assert replace(NOTHING, transport=InMemoryTransport).find("agora") is InMemoryTransport

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"options": {"reply_timeout": 5}}, "options"),
            ({"transport_options": [1]}, "transport_options"),
            ({"renew_credentials": "yes"}, "renew_credentials"),
            ({"on_created": 5}, "on_created"),
            ({"transport": 5}, "transport"),
            ({"transport": dict}, "transport"),
        ],
    )
    def test_a_wrong_value_is_named(self, given: dict[str, Any], field: str) -> None:
        with pytest.raises(InvalidParameterError) as caught:
            replace(NOTHING, **given).find("livekit")
        assert caught.value.field == field

    def test_the_callers_options_come_before_those_of_a_simulator(self) -> None:
        class Room(InMemoryTransport):
            @classmethod
            def loopback_options(cls, base_url: str) -> dict[str, Any]:
                return {"home": base_url, "role": "ours"}

        given = replace(NOTHING, transport_options={"role": "theirs"}, engine="an engine")
        assert given.settings(Room, "http://127.0.0.1:1") == {
            "home": "http://127.0.0.1:1",
            "role": "theirs",
            "engine": "an engine",
        }
        assert NOTHING.settings(Room, "https://openapi.akool.com") == {}
        assert NOTHING.settings(Room, "") == {}


class TestHome:
    def test_a_simulator_names_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AKOOL_API_URL", "https://elsewhere.example")
        own = LiveKitCredentials.model_validate(
            {**CREDENTIALS, "akool_simulator_url": "http://127.0.0.1:9/"}
        )
        assert home_of(own) == "http://127.0.0.1:9"

    def test_else_it_is_the_environments(self, monkeypatch: pytest.MonkeyPatch) -> None:
        credentials = LiveKitCredentials.model_validate(CREDENTIALS)
        monkeypatch.setenv("AKOOL_API_URL", " https://elsewhere.example/ ")
        assert home_of(credentials) == "https://elsewhere.example"
        monkeypatch.delenv("AKOOL_API_URL")
        assert home_of(credentials) == ""


class TestSessionMadeElsewhere:
    @pytest.mark.parametrize(
        "given",
        [
            {"code": 1000, "msg": "OK", "data": {"_id": "s1", "credentials": CREDENTIALS}},
            {"code": 1000, "msg": "OK", "data": [{"_id": "s1", "credentials": CREDENTIALS}]},
            {"_id": "s1", "credentials": CREDENTIALS},
            {"_id": "s1", "credentials": CREDENTIALS, "code": 7},
        ],
    )
    def test_creates_answer_or_its_data(self, given: dict[str, Any]) -> None:
        session = read_session(given)
        assert isinstance(session, Session)
        assert session.id == "s1"
        assert isinstance(credentials_of(session), LiveKitCredentials)

    def test_the_credentials_alone(self) -> None:
        session = read_session(CREDENTIALS)
        assert session.id == ""
        assert isinstance(credentials_of(session), LiveKitCredentials)

    def test_one_of_version_3_has_a_video(self) -> None:
        urls = {
            "client_chat_room_url": "wss://chat.example/final_x/client_1.chat",
            "client_pull_stream_url": "https://video.example/x.flv",
        }
        session = read_session({"_id": "s3", "stream_urls": urls})
        assert isinstance(session, LegacySession)
        assert pull_url_of(session) == "https://video.example/x.flv"
        assert pull_url_of(Session()) is None

    def test_a_session_is_taken_as_it_is(self) -> None:
        session = Session()
        assert read_session(session) is session

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            (5, "int isn't a session"),
            ({"code": 1101, "msg": "no"}, "an answer with code 1101 and no data"),
            ({"code": 1000, "data": [1]}, "an answer with code 1000 and no data"),
            ({"code": 1000, "data": []}, "an answer with code 1000 and no data"),
        ],
    )
    def test_what_is_none_is_refused(self, given: object, problem: str) -> None:
        with pytest.raises(InvalidParameterError) as caught:
            read_session(given)
        assert (caught.value.field, problem in caught.value.problem) == ("session", True)

    def test_without_credentials_it_cannot_be_joined(self) -> None:
        with pytest.raises(JoinError, match="no credentials to join with") as caught:
            credentials_of(read_session({"wrong": TOKEN}))
        assert not caught.value.retryable
        assert TOKEN not in str(caught.value)
