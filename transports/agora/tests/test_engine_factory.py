"""Agora's own; what both vendors do is in `tests/agora_trtc/test_choosing.py`."""

import platform
import sys
from pathlib import Path

import pytest
from akool_agora import AgoraTransport
from akool_agora.engine_factory import make_engine
from akool_agora.sdk import SDKEngine
from pydantic import SecretStr

from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.models.credentials import AgoraCredentials

CREDENTIALS = AgoraCredentials(
    agora_uid=1, agora_channel="c", agora_token=SecretStr("t"), agora_app_id="a"
)


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


def test_preflight_refuses_a_uid_that_is_no_number() -> None:
    with pytest.raises(InvalidParameterError) as raised:
        AgoraTransport.preflight({"engine": "loopback", "avatar_uid": "bob"})
    assert raised.value.field == "avatar_uid"


def test_with_the_sdk_installed_it_is_the_default(
    supported: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("agora", "agora/rtc"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    AgoraTransport.preflight({})
    assert isinstance(make_engine({}, CREDENTIALS), SDKEngine)
    assert isinstance(make_engine({"engine": "sdk"}, CREDENTIALS), SDKEngine)
    assert "agora" not in sys.modules
