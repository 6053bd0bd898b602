from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from watched_page import http_client, session

from akool_async import InvalidParameterError, watch


async def test_the_page_is_on_this_machine_s_loopback_while_the_block_lasts() -> None:
    async with session() as avatar:
        async with watch.serve(avatar) as link, http_client() as client:
            assert urlsplit(link).hostname == "127.0.0.1"
            async with client.get(link) as answer:
                assert answer.status == 200
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", urlsplit(link).port or 0), timeout=5)


async def test_ports_that_cannot_be_had() -> None:
    async with session() as avatar:
        with pytest.raises(InvalidParameterError, match="port"):
            async with watch.serve(avatar, port=70_000):
                pytest.fail("served")
        with (
            socket.create_server(("127.0.0.1", 0)) as taken,
            pytest.raises(OSError, match="in use"),
        ):
            async with watch.serve(avatar, port=taken.getsockname()[1]):
                pytest.fail("served")
