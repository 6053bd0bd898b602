"""What a newcomer's mistakes are made with, and the table that holds them."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from akool_async import AkoolClient
from akool_async.simulator import Simulator
from akool_async.testing.waiting import until

AVATAR = "dvp_Tristan_cloth2_1080P"
OPEN = (
    "write `async with akool.open_session(…) as avatar:`, or "
    "`avatar = await akool.open_session(…)` and at the end `await avatar.aclose()`"
)
QUOTA = "(GET /api/open/v3/faceswap/quota/info)"
CREATE = "(POST /api/open/v4/liveAvatar/session/create)"


@dataclass
class Try:
    """What a mistake is made with."""

    akool: AkoolClient
    simulator: Simulator
    warnings: list[warnings.WarningMessage]

    def open(self, avatar_id: str = AVATAR, **options: Any) -> Any:
        return self.akool.open_session(avatar_id, **{"stream_type": "trtc"} | options)

    async def raise_warning(self) -> None:
        """The warning that is given becomes what is raised."""
        await until(lambda: self.warnings)
        raise RuntimeWarning("; ".join(str(one.message) for one in self.warnings))


Mistake = Callable[[Try], Awaitable[object]]


class Rows(list[Any]):
    """Mistakes, each with what it raises: parameters of a test."""

    def row(
        self, kind: type[BaseException], text: str, **simulator: Any
    ) -> Callable[[Mistake], Mistake]:
        """Adds a mistake. In the text `#` stands for any number, `HOST` for a server."""

        def add(mistake: Mistake) -> Mistake:
            self.append(pytest.param(mistake, kind, text, simulator, id=mistake.__name__))
            return mistake

        return add
