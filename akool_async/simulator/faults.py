"""REST answers that go wrong on request."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

__all__ = ["Fault", "FaultPlan"]

_HTML: Final = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next calls.

    Attributes:
        code: answered with this code of docs/protocol.md §1 in an envelope.
        message: the envelope's `msg`.
        status: answered with this HTTP status; without anything else, with an HTML body.
        html: the body is a web server's error page.
        truncated: the JSON of the answer ends half-way.
        no_envelope: JSON without `code`, `msg` and `data`.
        padding: bytes of unused text added to the answer's envelope.
        body: exactly this body.
        headers: added to the answer, such as `Retry-After`.
        delay: seconds before the answer.
        drop: the connection is closed without an answer.
        acts: the call is carried out, and only its answer goes wrong.
        times: for how many calls; `None`: until taken back.
        path: a pattern of the path, such as "*/session/create"; "": any.
        method: "": any.
    """

    code: int | None = None
    message: str = ""
    status: int | None = None
    html: bool = False
    truncated: bool = False
    no_envelope: bool = False
    padding: int = 0
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    acts: bool = False
    times: int | None = 1
    path: str = ""
    method: str = ""

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ValueError(f"times: {self.times} is less than 1")
        if self.delay < 0:
            raise ValueError(f"delay: {self.delay} is negative")
        if not (self.replaces or self.spoils or self.delay or self.headers):
            raise ValueError("a fault that does nothing; give code, status, html, delay, drop …")

    @property
    def replaces(self) -> bool:
        """Whether the answer has nothing of the true one."""
        return bool(
            self.code is not None
            or self.status is not None
            or self.html
            or self.no_envelope
            or self.body is not None
            or self.drop
        )

    @property
    def spoils(self) -> bool:
        """Whether the true answer is changed."""
        return bool(self.truncated or self.padding)

    @property
    def carries_out(self) -> bool:
        """Whether the call is carried out, whatever becomes of its answer."""
        return self.acts or not self.replaces

    def matches(self, method: str, path: str) -> bool:
        """Whether a call is meant."""
        return (not self.method or self.method == method) and (
            not self.path or fnmatch.fnmatchcase(path, self.path) or self.path == path
        )

    def answer(self, true: dict[str, Any] | None) -> web.Response:
        """The answer in place of the `true` envelope (`None`: the call wasn't carried out)."""
        headers = dict(self.headers)
        status = self.status or 200
        if self.body is not None:
            return web.Response(
                body=self.body, status=status, headers=headers, content_type="application/json"
            )
        if self.html or (self.status is not None and self.code is None and not self.no_envelope):
            return web.Response(
                text=_HTML, status=status, headers=headers, content_type="text/html"
            )
        if self.no_envelope:
            text = json.dumps({"result": "fine"})
        else:
            envelope = (
                {"code": self.code, "msg": self.message or "asked for"}
                if self.code is not None
                else dict(true or {})
            )
            if self.padding:
                envelope["padding"] = "x" * self.padding
            text = json.dumps(envelope)
        if self.truncated:
            text = text[: len(text) // 2]
        return web.Response(
            text=text, status=status, headers=headers, content_type="application/json"
        )


class FaultPlan:
    """The faults asked for, taken by matching calls in the order of asking."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Asks for a fault."""
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Takes one back; used up or not."""
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Takes all of them back."""
        self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this call, if there is one; counts it."""
        for fault in self._faults:
            if fault.matches(method, path):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._faults.remove(fault)
                return fault
        return None

    def __len__(self) -> int:
        return len(self._faults)
