"""What a newcomer's mistakes say: what happened, why, and what to do.

Each row is a mistake, and the whole text that it leads to.
"""

from __future__ import annotations

import re
import sys
import traceback
import warnings
from typing import Any

import client_mistakes
import pytest
import session_mistakes
from mistakes import AVATAR, Mistake, Rows, Try

import akool_async
from akool_async import AkoolClient, ConversationOptions
from akool_async.simulator import Simulator

ROWS = Rows()
row = ROWS.row


# -- REST


@row(
    TypeError,
    "a list call is asynchronous: write `async for item in …list()` for every item, or "
    "`for item in await …list()` for one page",
)
async def for_over_a_list_call(t: Try) -> None:
    for _ in t.akool.avatars.list():
        pass


@row(TypeError, "a list call isn't made yet: write `(await …list())[0]`")
async def the_first_of_a_list_call(t: Try) -> None:
    t.akool.avatars.list()[0]


@row(
    TypeError,
    "this is one page already: write `for item in await …list()`, or without `await` "
    "`async for item in …list()` for the items of every page",
)
async def async_for_over_a_page(t: Try) -> None:
    async for _ in await t.akool.avatars.list():
        pass


@row(
    akool_async.NotFoundError,
    "1216: the live session does not exist (GET /api/open/v4/liveAvatar/session/detail). List the "
    "sessions that there are: akool sessions list.",
)
async def an_unknown_session(t: Try) -> None:
    await t.akool.sessions.get("nonsense")


@row(akool_async.InvalidParameterError, "session_id: None isn't a string")
async def no_session_id(t: Try) -> None:
    await t.akool.sessions.close(None)


@row(
    TypeError,
    "ConversationOptions.__init__() got an unexpected keyword argument 'reply_time'"
    + (". Did you mean 'reply_timeout'?" if sys.version_info >= (3, 13) else ""),
)
async def an_unknown_option(t: Try) -> None:
    ConversationOptions(reply_time=3)


MISTAKES = [*client_mistakes.ROWS, *session_mistakes.ROWS, *ROWS]


@pytest.mark.parametrize(("mistake", "kind", "text", "options"), MISTAKES)
async def test_what_a_mistake_says(
    mistake: Mistake,
    kind: type[BaseException],
    text: str,
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("API_KEY", "CLIENT_ID", "CLIENT_SECRET", "API_URL"):
        monkeypatch.delenv(f"AKOOL_{name}", raising=False)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("default")  # as Python has it where nothing is set
        async with (
            Simulator(queue_time=0.0, **options) as simulator,
            AkoolClient("k", base_url=simulator.url) as akool,
        ):
            with pytest.raises(kind) as raised:
                await mistake(Try(akool, simulator, given))
    said = "\n".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    pattern = re.escape(text).replace(r"\#", r"[\d.]+").replace("HOST", r"127\.0\.0\.1:\d+")
    assert re.fullmatch(pattern.replace(r"\*", ".+"), said), said
    assert len(said.splitlines()) <= 3


async def test_a_service_that_is_down_takes_few_lines_of_a_traceback(unused_tcp_port: int) -> None:
    async with AkoolClient(
        "a", base_url=f"http://127.0.0.1:{unused_tcp_port}", max_retries=0
    ) as akool:
        with pytest.raises(akool_async.APIConnectionError) as raised:
            await akool.open_session(AVATAR)
    text = "".join(traceback.format_exception(raised.value))
    assert text.startswith("ConnectionRefusedError: ")
    assert "ssl:default" not in text
    # The system's error, and ours from the user's line on.
    assert len(traceback.extract_tb(raised.value.__traceback__)) <= 4, text


def test_there_are_forty_of_them() -> None:
    assert len(MISTAKES) >= 40
