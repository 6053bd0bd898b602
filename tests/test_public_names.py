"""What `import akool_async` offers, and what it doesn't load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import akool_async
from akool_async import errors, events


@pytest.mark.parametrize("name", akool_async.__all__)
def test_every_public_name_is_there(name):
    assert getattr(akool_async, name) is not None
    assert name in dir(akool_async)


def test_all_errors_and_events_are_public():
    assert set(errors.__all__) <= set(akool_async.__all__)
    assert set(events.__all__) <= set(akool_async.__all__)
    assert akool_async.UserSpoke is events.UserSpoke


def test_each_name_is_listed_once():
    assert len(akool_async.__all__) == len(set(akool_async.__all__))


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="'akool_async' has no attribute 'nothing'"):
        akool_async.nothing  # noqa: B018 - asking for it is the test


@pytest.mark.parametrize(
    ("imports", "absent"),
    [
        ("import akool_async", "aiohttp pydantic livekit websockets typer aiortc"),
        ("from akool_async import *", "livekit websockets typer rich aiortc akool_livekit"),
        ("from akool_async import *", "akool_async.simulator akool_async.cli akool_async.testing"),
        ("import akool_async.cli.app", "akool_async.watch aiohttp.web livekit prompt_toolkit"),
    ],
)
def test_importing_loads_no_more_than_it_must(imports, absent):
    code = f"{imports}; import sys; print(*(n for n in {absent.split()!r} if n in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == []
