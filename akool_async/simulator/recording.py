"""What the simulator was asked and what went through its rooms, for tests to look at."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar, overload

__all__ = ["Recording", "RequestRecord", "StreamRecord", "redacted"]

T = TypeVar("T")

_SECRET_NAMES: Final = ("token", "sig", "secret", "api_key", "apikey", "password", "chat_room_url")


def redacted(value: Any) -> Any:
    """A copy of a JSON value with `***` for whatever its name says is secret."""
    if isinstance(value, Mapping):
        return {
            name: "***" if _is_secret(str(name)) else redacted(item) for name, item in value.items()
        }
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return value


def _is_secret(name: str) -> bool:
    low = name.lower()
    return any(part in low for part in _SECRET_NAMES)


@dataclass(slots=True)
class RequestRecord:
    """One REST call. `headers` have lower-case names and, like the body, show in no repr.

    Attributes:
        method: GET, POST …
        path: without the query.
        query: parameters; of a repeated one, the last.
        headers: as received, secrets included.
        body: the JSON body, or the raw bytes where it isn't JSON; `None` without one.
        at: when, in seconds of the simulator's clock.
        code: the code it was answered with; `None` while it runs or without an envelope.
        status: the HTTP status of the answer; `None` while it runs or where it was dropped.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    body: Any = field(repr=False)
    at: float = 0.0
    code: int | None = None
    status: int | None = None

    def __repr__(self) -> str:
        body = redacted(self.body) if not isinstance(self.body, bytes) else len(self.body)
        return (
            f"RequestRecord({self.method} {self.path} query={redacted(self.query)} body={body} "
            f"code={self.code} status={self.status})"
        )


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One packet of a session's room.

    Attributes:
        session_id: whose.
        direction: "in": the avatar heard it; "out": the avatar sent it.
        data: the packet.
        sender: who sent it, as the room calls them.
        at: when, in seconds of the simulator's clock.
    """

    session_id: str
    direction: Literal["in", "out"]
    data: bytes = field(repr=False)
    sender: str = ""
    at: float = 0.0

    @property
    def message(self) -> dict[str, Any]:
        """The packet read as JSON.

        Raises:
            ValueError: it isn't a JSON object.
        """
        found = json.loads(self.data)
        if not isinstance(found, dict):
            raise ValueError("the packet isn't a JSON object")  # noqa: TRY004 - it's a value
        return found


class Recording(Sequence[T], Generic[T]):
    """The latest records, oldest first; `forgotten` counts those that are gone."""

    def __init__(self, keep: int) -> None:
        self._items: deque[T] = deque(maxlen=keep)
        self.forgotten = 0

    def append(self, item: T) -> None:
        """Adds one; the oldest goes when there are too many."""
        if len(self._items) == self._items.maxlen:
            self.forgotten += 1
        self._items.append(item)

    def clear(self) -> None:
        """Forgets all of them, uncounted."""
        self._items.clear()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._items))

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return list(self._items)[index]
        return self._items[index]

    def __repr__(self) -> str:
        return f"Recording({list(self._items)!r})"
