"""A server of one's own on loopback."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from akool_fleet import server as server_module
from akool_fleet.errors import FleetError
from akool_fleet.server import LocalServer

from akool_async.errors import MissingDependencyError


def ask(server: LocalServer, command: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(command + b"\r\n")
        return connection.recv(100)


def test_nothing_is_lost_when_it_is_stopped_and_started_again() -> None:
    with LocalServer() as server:
        assert ask(server, b"SET a 5") == b"+OK\r\n"
        server.stop()
        assert server.process is None
        with pytest.raises(OSError):
            ask(server, b"PING")
        server.start()
        assert ask(server, b"GET a") == b"$1\r\n5\r\n"
        process = server.process
    assert process is not None
    assert process.poll() is not None
    server.stop()  # twice is fine


def test_each_has_a_port_of_its_own() -> None:
    with LocalServer() as one, LocalServer() as other:
        assert one.url != other.url
        ask(one, b"SET a 5")
        assert ask(other, b"GET a") == b"$-1\r\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a program that ends with a message")
def test_one_that_does_not_start_says_what_it_wrote() -> None:
    server = LocalServer()
    server._binary = "/bin/false"
    with pytest.raises(FleetError, match="the server didn't start"):
        server.start(timeout=10)
    assert server.process is None
    server._folder.cleanup()


def test_a_wheel_that_holds_a_server_comes_before_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "a_wheel_with_a_server"
    for folder, name in ((wheel / "bin", "redis-server"), (tmp_path / "path", "valkey-server")):
        folder.mkdir(parents=True)
        (folder / name).touch(mode=0o755)
    (wheel / "__init__.py").write_text("raise ImportError('it needs not be imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(server_module, "_WHEELS", {"no_such_wheel": "*", wheel.name: "bin/redis-*"})
    assert server_module._find() == str(wheel / "bin" / "redis-server")
    monkeypatch.setattr(server_module, "_WHEELS", {})
    assert server_module._find() == str(tmp_path / "path" / "valkey-server")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependencyError, match="no Valkey or Redis"):
        server_module._find()
