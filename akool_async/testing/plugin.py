"""pytest fixtures: a simulated AKOOL, and a client of it.

Loaded by every pytest where this package is installed, so it imports nothing of its own until a
test asks for a fixture. The fixtures need `pytest-asyncio` (extra `testing`).

```python
async def test_greeting(akool_client):
    async with akool_client.open_session("dvp_Tristan_cloth2_1080P") as avatar:
        assert (await avatar.ask("Hello")).text
```
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from akool_async.client import AkoolClient
    from akool_async.simulator import Simulator

__all__ = ["akool_client", "akool_simulator", "akool_simulator_options"]


def _async_fixture(function: Callable[..., AsyncIterator[Any]]) -> Callable[..., Any]:
    """A fixture on the event loop.

    `pytest-asyncio` is a plugin itself: where it is installed, pytest has imported it already.
    """
    try:
        import pytest_asyncio
    except ImportError:
        return pytest.fixture(function)
    return pytest_asyncio.fixture(function)


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


@_async_fixture
async def akool_simulator(akool_simulator_options: dict[str, Any]) -> AsyncIterator[Simulator]:
    """A `Simulator` that runs for the length of a test.

    Fails the test that leaves a session open: on the real service it would go on costing money.
    """
    from akool_async.simulator import Simulator

    async with Simulator(**akool_simulator_options) as simulator:
        yield simulator
        left = [session.id for session in simulator.open_sessions]
    if left:
        pytest.fail(f"{len(left)} session(s) left open: {', '.join(left)}", pytrace=False)


@_async_fixture
async def akool_client(akool_simulator: Simulator) -> AsyncIterator[AkoolClient]:
    """An `AkoolClient` of the test's simulator."""
    from akool_async.client import AkoolClient

    async with AkoolClient("test-key", base_url=akool_simulator.url) as client:
        yield client
