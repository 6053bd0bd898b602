"""Choosing an engine by the user's option."""

import functools
from typing import Protocol, runtime_checkable

import pytest
from fake_engine import FakeEngine

from akool_async.errors import InvalidParameterError
from akool_async.models.credentials import AgoraCredentials
from akool_async.transport.engines.engine import (
    check_engine,
    checked_credentials,
    create_engine,
    loopback_url,
)
from akool_async.transport.engines.participants import ParticipantTracker

CREDENTIALS = AgoraCredentials(agora_uid=1, agora_channel="c")


@runtime_checkable
class Engine(Protocol):
    """The vendor's protocol."""

    async def join(self, room: str, events: ParticipantTracker) -> None: ...
    async def send(self, packet: bytes) -> None: ...
    async def leave(self) -> None: ...


@pytest.mark.parametrize("engine", ["air", FakeEngine, FakeEngine(), functools.partial(FakeEngine)])
def test_an_engine_is_a_name_an_object_or_a_maker(engine: object) -> None:
    check_engine(engine, Engine, names=("air",), package="radio")


@pytest.mark.parametrize(
    ("engine", "words"), [("wire", r"give 'air', .*radio\.Engine"), (7, "a int is neither")]
)
def test_anything_else_is_refused(engine: object, words: str) -> None:
    with pytest.raises(InvalidParameterError, match=words) as raised:
        check_engine(engine, Engine, names=("air",), package="radio")
    assert raised.value.field == "engine"


def test_an_engine_is_taken_as_it_is_and_a_maker_is_called() -> None:
    mine = FakeEngine()
    assert create_engine(mine, Engine) is mine
    assert create_engine(lambda: mine, Engine) is mine
    assert isinstance(create_engine(FakeEngine, Engine), FakeEngine)


def test_the_simulators_address_is_an_option_or_in_the_credentials() -> None:
    known = AgoraCredentials.model_validate(
        {"agora_uid": 1, "agora_channel": "c", "akool_simulator_url": "http://127.0.0.1:1"}
    )
    assert loopback_url({}, known) == "http://127.0.0.1:1"
    assert loopback_url({"simulator_url": "http://[::1]:2"}, known) == "http://[::1]:2"
    assert loopback_url({"simulator_url": "http://10.0.0.1"}, known) is None
    assert loopback_url({}, CREDENTIALS) is None


def test_the_loopback_engine_is_taken_by_name_or_where_no_other_is_named() -> None:
    url = {"simulator_url": "http://127.0.0.1:1"}
    assert loopback_url({"engine": "loopback", **url}, CREDENTIALS) == "http://127.0.0.1:1"
    assert loopback_url({"engine": FakeEngine, **url}, CREDENTIALS) is None
    with pytest.raises(InvalidParameterError, match="'loopback' needs a simulator") as raised:
        loopback_url({"engine": "loopback"}, CREDENTIALS)
    assert raised.value.field == "engine"


def test_credentials_are_of_the_kind_and_complete() -> None:
    check = functools.partial(checked_credentials, into="a radio room")
    assert check(CREDENTIALS, AgoraCredentials, needed=("agora_channel",)) is CREDENTIALS
    with pytest.raises(InvalidParameterError, match=r"^credentials: str don't lead into a radio"):
        check("a token", AgoraCredentials, needed=())
    with pytest.raises(InvalidParameterError, match=r"^agora_token: is missing; only session/cr"):
        check(CREDENTIALS, AgoraCredentials, needed=("agora_token",))
