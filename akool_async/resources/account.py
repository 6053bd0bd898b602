"""The account that the client calls for (docs/protocol.md §1)."""

from __future__ import annotations

from akool_async.resources.executor import APIExecutor
from akool_async.rest.request import get

__all__ = ["Account"]


class Account:
    """`client.account`."""

    def __init__(self, executor: APIExecutor) -> None:
        self._executor = executor

    async def credits(self) -> float:
        """The credits that the account has now; may have a fraction.

        A session takes the credits for its whole duration at once, and what wasn't used comes back
        when it ends. What a second costs isn't documented: compare the balance before and after.

        Raises:
            APIError: the subclass for the service's code.
            RequestError: no usable answer.
        """
        # The account's balance, whatever the path says.
        return await self._executor.call(get("/api/open/v3/faceswap/quota/info"), _credits)


def _credits(data: object) -> float:
    found = data.get("credit") if isinstance(data, dict) else None
    if isinstance(found, bool) or not isinstance(found, (int, float, str)):
        raise ValueError("the answer holds no credit")  # noqa: TRY004 - as a reader raises it
    value = float(found)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("the credit isn't a number")
    return value
