"""Which engine a room is joined with, as far as both vendors choose alike."""

import functools
import platform
import sys
from collections.abc import Callable

import pytest
from rtc_vendors import VENDORS, Vendor

from akool_async.errors import InvalidParameterError, MissingDependencyError


class Mine:
    """No method more than TRTC's protocol has."""

    async def join(self, room: object, events: object) -> None: ...
    async def send(self, packet: bytes) -> None: ...
    async def leave(self) -> None: ...


class MineWithTokens(Mine):
    """No method more than Agora's protocol has."""

    async def renew_token(self, token: str) -> None: ...


MINE = {"agora": MineWithTokens, "trtc": Mine}


@pytest.fixture(params=VENDORS, ids=repr)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return request.param


@pytest.fixture
def supported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that Agora has an SDK for; it isn't installed."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


@pytest.mark.parametrize(
    "engine_of",
    [lambda mine: "loopback", lambda mine: mine, lambda mine: mine(), functools.partial],
    ids=["name", "class", "object", "callable"],
)
def test_preflight_takes_names_engines_and_makers(
    vendor: Vendor, engine_of: Callable[[type[Mine]], object]
) -> None:
    vendor.transport.preflight({"engine": engine_of(MINE[vendor.kind])})


@pytest.mark.parametrize(
    ("options", "field"),
    [({"engine": "loopbck"}, "engine"), ({"engine": 7}, "engine"), ({"motor": "sdk"}, "motor")],
)
def test_preflight_names_a_wrong_option(
    vendor: Vendor, options: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidParameterError) as raised:
        vendor.transport.preflight(options)
    assert raised.value.field == field


def test_an_engine_is_taken_as_it_is_and_a_class_is_called(vendor: Vendor) -> None:
    mine = MINE[vendor.kind]()
    known = vendor.credentials()
    assert vendor.make_engine({"engine": mine}, known) is mine
    assert isinstance(vendor.make_engine({"engine": type(mine)}, known), type(mine))
    assert vendor.make_engine({"engine": lambda: mine}, known) is mine


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]:80", "http://localhost:1"]
)
def test_credentials_of_a_simulator_here_lead_to_the_loopback_engine(
    vendor: Vendor, url: str
) -> None:
    engine = vendor.make_engine({}, vendor.credentials(akool_simulator_url=url))
    assert isinstance(engine, vendor.relay)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1",
        "https://evil.example",
        "http://127.0.0.1.evil.example",
        "ftp://[::1",
        "x://[::1",
        5,
    ],
)
def test_credentials_that_lead_elsewhere_do_not(
    vendor: Vendor, supported: None, url: object
) -> None:
    known = vendor.credentials(akool_simulator_url=url)
    with pytest.raises(MissingDependencyError):
        vendor.make_engine({}, known)
    with pytest.raises(InvalidParameterError, match="needs a simulator"):
        vendor.make_engine({"engine": "loopback"}, known)


def test_an_engine_that_was_asked_for_wins_over_the_simulators(vendor: Vendor) -> None:
    mine = MINE[vendor.kind]()
    known = vendor.credentials(akool_simulator_url="http://127.0.0.1:1")
    assert vendor.make_engine({"engine": mine}, known) is mine


def test_a_service_on_this_machine_is_reached_by_the_loopback_engine(vendor: Vendor) -> None:
    options = vendor.transport.loopback_options("http://127.0.0.1:9")
    vendor.transport.preflight(options)
    assert isinstance(vendor.make_engine(options, vendor.credentials()), vendor.relay)
