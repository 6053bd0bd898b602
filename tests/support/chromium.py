"""Where tests find Chromium and livekit-client, and how they start the browser and steer a page."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

__all__ = ["CHROMIUM", "CLIENTS", "NEEDS_A_BROWSER", "Tab", "browser", "client_path", "tab"]

CHROMIUM: Final = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
#: The version that the page loads from a CDN.
VERSION: Final = "2.15.7"
_CACHE: Final = Path(__file__).parents[2] / ".cache" / "livekit-client"
_FILE: Final = Path("package", "dist", "livekit-client.umd.js")
#: Files of the livekit-client package that the environment names, as `npm pack` has them; `None`:
#: the one of `VERSION`.
CLIENTS: Final[list[Path | None]] = [
    Path(path) for path in os.environ.get("AKOOL_LIVEKIT_CLIENT", "").split(os.pathsep) if path
] or [None]
#: Seconds; a browser on a busy machine takes its time.
TIMEOUT: Final = 60.0
#: Without some of these it looks up hosts of its maker at every start.
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
#: The marks of a test module.
NEEDS_A_BROWSER: Final = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def client_path(given: Path | None = None) -> Path:
    """The file of livekit-client: `given`, or the one that `npm pack` gets, once.

    Skips the test where there is neither: no npm, or no registry that it reaches.
    """
    if given is not None:
        return given
    if CLIENTS[0] is not None:
        return CLIENTS[0]
    path = _CACHE / VERSION / _FILE
    if path.exists():
        return path
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("AKOOL_LIVEKIT_CLIENT names no livekit-client.umd.js, and there is no npm")
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
        pack = [npm, "pack", "--silent", f"livekit-client@{VERSION}"]
        try:
            subprocess.run(pack, cwd=folder, check=True, capture_output=True, timeout=TIMEOUT)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"npm can't get livekit-client: {error}")
        (packed,) = Path(folder).glob("*.tgz")
        with tarfile.open(packed) as archive:
            client = archive.extractfile(_FILE.as_posix())
            assert client is not None
            unpacked = Path(folder, "client.js")
            unpacked.write_bytes(client.read())
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all, also where several processes do this.
        unpacked.replace(path)
    return path


@asynccontextmanager
async def browser(url: str, profile: Path, *flags: str) -> AsyncIterator[None]:
    """Chromium with that page open, in a process group of its own; killed at the end."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *_FLAGS,
        *flags,
        f"--user-data-dir={profile}",
        url,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


class Tab:
    """One page of a browser, steered by the DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def command(self, method: str, **parameters: Any) -> Any:
        """Does something, and gives its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while (answer := await self._socket.receive_json(timeout=TIMEOUT)).get("id") != number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    async def value(self, expression: str) -> Any:
        """What an expression is in the page; a promise is waited for."""
        result = await self.command(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        return result["result"].get("value")

    async def text(self, element: str) -> str:
        """The text of the element with that id; "" where there is none."""
        return str(
            await self.value(f"document.getElementById({json.dumps(element)})?.innerText ?? ''")
        )

    async def until(self, expression: str, timeout: float = TIMEOUT) -> None:
        """Returns once an expression is true in the page."""
        try:
            async with asyncio.timeout(timeout):
                while not await self.value(expression):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            shown = await self.value("document.body.innerText")
            raise AssertionError(f"{expression} isn't true; the page shows: {shown}") from None

    async def click(self, element: str) -> None:
        """Clicks the element with that id."""
        await self.value(f"document.getElementById({json.dumps(element)}).click()")

    async def type(self, text: str) -> None:
        """Types into the page's text box, and sends it."""
        await self.value(
            f"document.getElementById('text').value = {json.dumps(text)};"
            "document.getElementById('form').requestSubmit()"
        )

    async def press(self, key: str) -> None:
        """Presses and releases a key by its name, "Tab" for example."""
        code = {"Tab": 9, "Escape": 27}[key]
        for kind in ("keyDown", "keyUp"):
            await self.command(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
            )

    async def shows(self, text: str, timeout: float = TIMEOUT) -> None:
        """Returns once the transcript has that text."""
        words = json.dumps(text)
        await self.until(f"document.getElementById('lines').innerText.includes({words})", timeout)

    async def loudness(self) -> float:
        """The loudest sample of what the page plays now, of 1.0, in up to ten seconds."""
        return float(
            await self.value("""(async () => {
              const context = new AudioContext(), node = context.createAnalyser();
              const stream = document.getElementById('audio').srcObject;
              context.createMediaStreamSource(stream).connect(node);
              await context.resume();
              const samples = new Float32Array(node.fftSize), until = performance.now() + 10000;
              let most = 0;
              while (most < 0.01 && performance.now() < until) {
                await new Promise((resolve) => setTimeout(resolve, 20));
                node.getFloatTimeDomainData(samples);
                most = samples.reduce((a, b) => Math.max(a, Math.abs(b)), most);
              }
              await context.close();
              return most;
            })()""")
        )


@asynccontextmanager
async def tab(url: str, profile: Path, *flags: str) -> AsyncIterator[Tab]:
    """Chromium with that page open, and its first tab."""
    async with browser(url, profile, "--remote-debugging-port=0", *flags):
        ports = profile / "DevToolsActivePort"
        async with asyncio.timeout(TIMEOUT):
            while not ports.exists() or "\n" not in ports.read_text():
                await asyncio.sleep(0.05)
        port = ports.read_text().split()[0]
        async with aiohttp.ClientSession() as http:
            async with http.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [one for one in await answer.json() if one["type"] == "page"]
            async with http.ws_connect(
                pages[0]["webSocketDebuggerUrl"], max_msg_size=64 * 1024 * 1024
            ) as socket:
                yield Tab(socket)
