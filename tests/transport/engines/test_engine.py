"""Choosing an engine by the user's option."""

import functools
from typing import Protocol, runtime_checkable

import pytest
from fake_engine import FakeEngine

from akool_async.errors import InvalidParameterError
from akool_async.models.credentials import AgoraCredentials
from akool_async.transport.engines.engine import check_engine, create_engine, simulator_url
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
    assert simulator_url({}, known) == "http://127.0.0.1:1"
    assert simulator_url({"simulator_url": "http://[::1]:2"}, known) == "http://[::1]:2"
    assert simulator_url({"simulator_url": "http://10.0.0.1"}, known) is None
    assert simulator_url({}, CREDENTIALS) is None
