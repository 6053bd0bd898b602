import functools
import platform
import sys
from pathlib import Path

import pytest
from akool_agora import AgoraTransport
from akool_agora.choosing import make_engine
from akool_agora.loopback import LoopbackEngine
from akool_agora.sdk import SDKEngine
from pydantic import SecretStr

from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.models.credentials import AgoraCredentials


def credentials(**more: object) -> AgoraCredentials:
    return AgoraCredentials(
        agora_uid=1,
        agora_channel="c",
        agora_token=SecretStr("t"),
        agora_app_id="a",
        **more,  # type: ignore[arg-type]
    )


class Mine:
    async def join(self, room: object, events: object) -> None: ...
    async def send(self, packet: bytes) -> None: ...
    async def renew_token(self, token: str) -> None: ...
    async def leave(self) -> None: ...


@pytest.fixture
def supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


def test_without_an_engine_preflight_says_how_to_install_one(supported: None) -> None:
    with pytest.raises(MissingDependencyError) as raised:
        AgoraTransport.preflight({})
    assert raised.value.install == 'pip install "akool-async-agora[sdk]"'
    assert "engine=" in str(raised.value)


def test_another_package_named_agora_is_not_the_sdk(
    supported: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agora").mkdir()
    (tmp_path / "agora" / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingDependencyError):
        AgoraTransport.preflight({})


@pytest.mark.parametrize(("system", "machine"), [("win32", "AMD64"), ("linux", "riscv64")])
def test_where_the_sdk_does_not_exist_the_error_says_so(
    system: str, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(MissingDependencyError, match="doesn't exist for") as raised:
        AgoraTransport.preflight({"engine": "sdk"})
    assert raised.value.install is None
    assert machine in str(raised.value)


@pytest.mark.parametrize("engine", ["loopback", Mine, Mine(), functools.partial(Mine)])
def test_preflight_takes_names_engines_and_makers(engine: object) -> None:
    AgoraTransport.preflight({"engine": engine})


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"engine": "loopbck"}, "engine"),
        ({"engine": 7}, "engine"),
        ({"motor": "sdk"}, "motor"),
        ({"engine": "loopback", "avatar_uid": "bob"}, "avatar_uid"),
    ],
)
def test_preflight_names_a_wrong_option(options: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidParameterError) as raised:
        AgoraTransport.preflight(options)
    assert raised.value.field == field


def test_an_engine_is_taken_as_it_is_and_a_class_is_called() -> None:
    mine = Mine()
    assert make_engine({"engine": mine}, credentials()) is mine
    assert isinstance(make_engine({"engine": Mine}, credentials()), Mine)
    assert isinstance(make_engine({"engine": lambda: mine}, credentials()), Mine)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]:80", "http://localhost:1"]
)
def test_credentials_of_a_simulator_here_lead_to_the_loopback_engine(url: str) -> None:
    engine = make_engine({}, credentials(akool_simulator_url=url))
    assert isinstance(engine, LoopbackEngine)


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1", "https://evil.example", "http://127.0.0.1.evil.example", "ftp://[::1", 5],
)
def test_credentials_that_lead_elsewhere_do_not(supported: None, url: object) -> None:
    with pytest.raises(MissingDependencyError):
        make_engine({}, credentials(akool_simulator_url=url))
    with pytest.raises(InvalidParameterError, match="needs a simulator"):
        make_engine({"engine": "loopback"}, credentials(akool_simulator_url=url))


def test_an_engine_that_was_asked_for_wins_over_the_simulators() -> None:
    mine = Mine()
    known = credentials(akool_simulator_url="http://127.0.0.1:1")
    assert make_engine({"engine": mine}, known) is mine


def test_with_the_sdk_installed_it_is_the_default(
    supported: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("agora", "agora/rtc"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    AgoraTransport.preflight({})
    assert isinstance(make_engine({}, credentials()), SDKEngine)
    assert isinstance(make_engine({"engine": "sdk"}, credentials()), SDKEngine)
    assert "agora" not in sys.modules


def test_a_service_on_this_machine_is_reached_by_the_loopback_engine() -> None:
    options = AgoraTransport.loopback_options("http://127.0.0.1:9")
    AgoraTransport.preflight(options)
    assert isinstance(make_engine(options, credentials()), LoopbackEngine)
