from __future__ import annotations

from pathlib import Path

import pytest

from akool_async import ConfigurationError
from akool_async.watch import client_file
from akool_async.watch.files import PageFiles


def test_where_the_client_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AKOOL_LIVEKIT_CLIENT", raising=False)
    assert client_file() is None
    given, named = tmp_path / "given.js", tmp_path / "named.js"
    given.touch()
    monkeypatch.setenv("AKOOL_LIVEKIT_CLIENT", str(named))
    with pytest.raises(ConfigurationError, match="AKOOL_LIVEKIT_CLIENT names"):
        client_file()
    named.touch()
    assert client_file() == named
    assert client_file(given) == given
    with pytest.raises(ConfigurationError, match="livekit_client names"):
        client_file(tmp_path / "missing.js")


@pytest.mark.parametrize(
    ("server", "calls"),
    [
        ("ws://127.0.0.1:7880", "ws://127.0.0.1:7880 http://127.0.0.1:7880"),
        ("wss://user:word@live.example", "wss://live.example https://live.example"),
    ],
)
def test_a_page_may_call_its_own_room_s_server_only(server: str, calls: str) -> None:
    assert f"connect-src 'self' {calls};" in PageFiles(None).policy(server)


async def test_only_the_page_s_own_files_are_read() -> None:
    files = PageFiles(None)
    for name in ("", "watch.js", "watch.css"):
        assert await files.read(name) is not None
    for name in ("index.html", "../page.py", "livekit-client.js", "/etc/hostname"):
        assert await files.read(name) is None
