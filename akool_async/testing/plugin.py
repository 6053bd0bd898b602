"""pytest fixtures: a simulated AKOOL, a client of it, and an open session.

Loaded by every pytest where this package is installed, so it imports nothing of its own until a
test asks for a fixture. The fixtures run where the test does: under pytest-asyncio, in strict or
auto mode, under anyio's plugin, and beside tests without `async` and `unittest.TestCase`.

```python
async def test_greeting(avatar):
    assert (await avatar.ask("Hello")).text
```
"""

from __future__ import annotations

import asyncio
import inspect
import unittest
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from akool_async.client import AkoolClient
    from akool_async.conversation import AvatarSession
    from akool_async.simulator import Simulator

__all__ = [
    "akool_client",
    "akool_environment",
    "akool_simulator",
    "akool_simulator_options",
    "avatar",
]

_KEY: Final = "test-key"
_VARIABLES: Final = (
    "AKOOL_API_KEY",
    "AKOOL_CLIENT_ID",
    "AKOOL_CLIENT_SECRET",
    "AKOOL_API_URL",
    "AKOOL_API_HOST",
)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker."""
    config.addinivalue_line(
        "markers",
        "akool(**options): what the fixture `avatar` opens its session with, such as "
        'stream_type="trtc"; all that `AkoolClient.open_session` takes.',
    )


try:
    # A plugin itself: where it is installed, pytest has imported it already.
    import pytest_asyncio
except ImportError:
    pass
else:

    def _loop_fixture(scope: Any) -> Any:
        async def loop() -> asyncio.AbstractEventLoop:
            return asyncio.get_running_loop()

        return pytest_asyncio.fixture(loop_scope=scope, name=f"_akool_{scope}_loop")(loop)

    # One for each of the loops in which pytest-asyncio may run a test.
    for _scope in ("function", "class", "module", "package", "session"):
        globals()[f"_akool_{_scope}_loop"] = _loop_fixture(_scope)


@pytest.fixture
def akool_simulator_options() -> dict[str, Any]:
    """What `akool_simulator` is made with: override it in a module or a class, or parametrise it.

    ```python
    @pytest.fixture
    def akool_simulator_options():
        return {"reply": lambda text: text.upper(), "pace": None}
    ```
    """
    return {}


@pytest.fixture
def akool_simulator(
    request: pytest.FixtureRequest, akool_simulator_options: dict[str, Any]
) -> Iterator[Simulator]:
    """A `Simulator` that runs for the length of a test.

    Fails the test that leaves a session open: on the real service it would go on costing money.
    Its `async` methods can be awaited in any loop; `await simulator.until_ready()` in the bot's.
    """
    from akool_async.simulator import Simulator
    from akool_async.testing import hosting

    left: list[str] = []

    async def run() -> AsyncGenerator[Simulator, None]:
        async with Simulator(**akool_simulator_options) as simulator:
            if hosting.home_of(request) == "thread":
                hosting.usable_from_any_loop(simulator)
            yield simulator
            left.extend(session.id for session in simulator.open_sessions)

    yield from hosting.run_fixture(request, run)
    if left:
        pytest.fail(f"{len(left)} session(s) left open: {', '.join(left)}", pytrace=False)


@pytest.fixture
def akool_client(
    request: pytest.FixtureRequest, akool_simulator: Simulator
) -> Iterator[AkoolClient]:
    """An `AkoolClient` of the test's simulator, for tests that are `async` functions."""
    from akool_async.client import AkoolClient
    from akool_async.testing import hosting

    _refuse_threads(request, "akool_client")

    async def run() -> AsyncGenerator[AkoolClient, None]:
        async with AkoolClient(_KEY, base_url=akool_simulator.url) as client:
            yield client

    yield from hosting.run_fixture(request, run)


@pytest.fixture
def avatar(request: pytest.FixtureRequest, akool_client: AkoolClient) -> Iterator[AvatarSession]:
    """An open session with a simulated avatar; closed after the test.

    ```python
    @pytest.mark.akool(stream_type="agora", mode=1)
    async def test_it(avatar, akool_simulator): ...
    ```
    """
    from akool_async.models.avatar import OFFICIAL_AVATARS
    from akool_async.testing import hosting

    # The nearest marker wins, option by option.
    markers = reversed(list(request.node.iter_markers("akool")))
    options: dict[str, Any] = {"avatar_id": OFFICIAL_AVATARS[0]}
    for marker in markers:
        if marker.args:
            pytest.fail(
                f"@pytest.mark.akool takes options by name, and {marker.args[0]!r} has none: "
                'write it as @pytest.mark.akool(stream_type="agora")',
                pytrace=False,
            )
        options |= marker.kwargs

    async def run() -> AsyncGenerator[AvatarSession, None]:
        async with akool_client.open_session(**options) as session:
            yield session

    yield from hosting.run_fixture(request, run)


@pytest.fixture
def akool_environment(
    akool_simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Sets the variables with which a bot's own `AkoolClient()` uses the test's simulator.

    Returns them, for a bot that is a process of its own: `env=os.environ | akool_environment`.
    """
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    variables = {"AKOOL_API_URL": akool_simulator.url, "AKOOL_API_KEY": _KEY}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def _refuse_threads(request: pytest.FixtureRequest, fixture: str) -> None:
    from akool_async.testing import hosting

    if hosting.home_of(request) != "thread":
        return
    by_unittest = isinstance(request.cls, type) and issubclass(request.cls, unittest.TestCase)
    if not by_unittest and inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        pytest.fail(
            f"{fixture} belongs to an event loop, and no plugin runs this async test in one. Mark "
            "it @pytest.mark.asyncio, or set asyncio_mode = auto (pytest-asyncio).",
            pytrace=False,
        )
    pytest.fail(
        f"{fixture} belongs to an event loop, and this test has none that pytest runs. Make it "
        "an async function, or use akool_environment and make an AkoolClient() in your loop.",
        pytrace=False,
    )
