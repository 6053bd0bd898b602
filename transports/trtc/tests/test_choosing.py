import functools

import pytest
from akool_trtc import TRTCTransport
from akool_trtc.choosing import make_engine
from akool_trtc.loopback import LoopbackEngine

from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.models.credentials import TRTCCredentials


def credentials(**more: object) -> TRTCCredentials:
    return TRTCCredentials.model_validate(
        {
            "trtc_app_id": 1,
            "trtc_room_id": "r",
            "trtc_user_id": "u",
            "trtc_user_sig": "s",
            **more,
        }
    )


class Mine:
    async def join(self, room: object, events: object) -> None: ...
    async def send(self, packet: bytes) -> None: ...
    async def leave(self) -> None: ...


def test_without_an_engine_preflight_says_how_to_pass_one() -> None:
    with pytest.raises(MissingDependencyError, match="engine=") as raised:
        TRTCTransport.preflight({})
    assert "examples/trtc_engine.py" in str(raised.value)
    assert raised.value.install is None


@pytest.mark.parametrize("engine", ["loopback", Mine, Mine(), functools.partial(Mine)])
def test_preflight_takes_names_engines_and_makers(engine: object) -> None:
    TRTCTransport.preflight({"engine": engine})


@pytest.mark.parametrize(
    ("options", "field"),
    [({"engine": "sdk"}, "engine"), ({"engine": 7}, "engine"), ({"motor": "x"}, "motor")],
)
def test_preflight_names_a_wrong_option(options: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidParameterError) as raised:
        TRTCTransport.preflight(options)
    assert raised.value.field == field


def test_an_engine_is_taken_as_it_is_and_a_class_is_called() -> None:
    mine = Mine()
    assert make_engine({"engine": mine}, credentials()) is mine
    assert isinstance(make_engine({"engine": Mine}, credentials()), Mine)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:80", "http://localhost:1"])
def test_credentials_of_a_simulator_here_lead_to_the_loopback_engine(url: str) -> None:
    assert isinstance(make_engine({}, credentials(akool_simulator_url=url)), LoopbackEngine)


@pytest.mark.parametrize("url", ["http://10.0.0.1", "http://127.0.0.1.evil.example", "x://[::1", 5])
def test_credentials_that_lead_elsewhere_do_not(url: object) -> None:
    with pytest.raises(MissingDependencyError):
        make_engine({}, credentials(akool_simulator_url=url))
    with pytest.raises(InvalidParameterError, match="needs a simulator"):
        make_engine({"engine": "loopback"}, credentials(akool_simulator_url=url))


def test_an_engine_that_was_asked_for_wins_over_the_simulators() -> None:
    mine = Mine()
    known = credentials(akool_simulator_url="http://127.0.0.1:1")
    assert make_engine({"engine": mine}, known) is mine


def test_a_service_on_this_machine_is_reached_by_the_loopback_engine() -> None:
    options = TRTCTransport.loopback_options("http://127.0.0.1:9")
    TRTCTransport.preflight(options)
    assert isinstance(make_engine(options, credentials()), LoopbackEngine)
