"""The REST side of the simulator: who may call, which call it is, and the envelope.

It refuses as the service does: HTTP status 200 and JSON whatever the fault, `code` decides
(docs/protocol.md §1 "Envelope").
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from aiohttp import web

from akool_async.simulator.checks import Refusal
from akool_async.simulator.faults import Fault
from akool_async.simulator.recording import RequestRecord
from akool_async.simulator.service import Service

__all__ = ["Api", "Call", "Handler", "Routes", "loosened"]

logger = logging.getLogger(__name__)

GET_TOKEN: Final = "/api/open/v3/getToken"  # noqa: S105 - a path
#: Fields that any answer may leave without a value.
_OPTIONAL: Final = frozenset(
    {"thumbnailUrl", "modify_url", "gender", "sort", "crop_arr", "create_time", "disabled", "url"}
)


@dataclass(slots=True)
class Call:
    """One call, read and let in.

    Attributes:
        query: without parameters that are "".
        body: `{}` where the call has none.
        rest: of the path, where the route's ends in a slash.
    """

    query: dict[str, str]
    body: dict[str, Any] = field(default_factory=dict, repr=False)
    rest: str = ""


Handler: TypeAlias = Callable[[Service, Call], Awaitable[Any]]
#: Path -> method -> what answers `data`; `None` leaves `data` out. A path that ends in a slash
#: means all that are one segment longer.
Routes: TypeAlias = Mapping[str, Mapping[str, Handler]]


class Api:
    """Answers REST calls out of a service's state.

    Args:
        service: the state.
        routes: all calls there are.
    """

    def __init__(self, service: Service, routes: Routes) -> None:
        self._service = service
        self._routes = routes

    def knows(self, path: str) -> bool:
        """Whether some call has this path."""
        return path == GET_TOKEN or self._find(path) is not None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers one HTTP request, with a fault if one was asked for."""
        if request.method == "OPTIONS":
            return web.Response(status=204)
        service = self._service
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.json_response({"code": 1003, "msg": "the body is too large"})
        record = RequestRecord(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=_recorded(raw),
            at=service.clock.now(),
        )
        service.requests.append(record)
        fault = service.faults.take(request.method, request.path)
        if fault is None:
            envelope = await self._envelope(request, raw)
            record.code = int(envelope["code"])
            record.status = 200
            return web.json_response(envelope)
        return await self._with_fault(fault, request, raw, record)

    async def _with_fault(
        self, fault: Fault, request: web.Request, raw: bytes, record: RequestRecord
    ) -> web.StreamResponse:
        envelope = await self._envelope(request, raw) if fault.carries_out else None
        if fault.delay:
            await self._service.clock.sleep(fault.delay)
        if fault.drop:
            if request.transport is not None:
                request.transport.abort()
            # The connection is gone: no answer is read.
            return web.Response(status=500)
        if fault.replaces or fault.spoils:
            answer = fault.answer(envelope)
        else:
            answer = web.json_response(envelope, headers=fault.headers)
        record.code = int(envelope["code"]) if envelope and not fault.replaces else fault.code
        record.status = answer.status
        return answer

    async def _envelope(self, request: web.Request, raw: bytes) -> dict[str, Any]:
        envelope = await self._true_envelope(request, raw)
        return loosened(envelope) if self._service.loose_answers else envelope

    async def _true_envelope(self, request: web.Request, raw: bytes) -> dict[str, Any]:
        try:
            data = await self._answer(request, raw)
        except Refusal as refusal:
            return {"code": refusal.code, "msg": refusal.message}
        except Exception as error:
            # The simulator's own fault. A faithful server answers JSON all the same, and the
            # log says where it was.
            logger.exception("the simulator failed at %s %s", request.method, request.path)
            self._service.settings.errors.append(error)
            return {"code": 1205, "msg": "the simulator failed, see its log"}
        if request.path == GET_TOKEN:
            return {"code": 1000, "token": data}
        envelope: dict[str, Any] = {"code": 1000, "msg": "OK"}
        if data is not None:
            envelope["data"] = data
        return envelope

    async def _answer(self, request: web.Request, raw: bytes) -> Any:
        access = self._service.access
        if request.path == GET_TOKEN:
            if request.method != "POST":
                raise Refusal(1003, f"{request.method} is not supported")
            return access.issue(_json_object(raw))
        access.check(request.headers)
        methods = self._find(request.path)
        if methods is None:
            raise Refusal(1008, "the content you get does not exist")
        handler = methods.get(request.method)
        if handler is None:
            raise Refusal(1003, f"{request.method} is not supported")
        body = _json_object(raw) if raw and request.method != "GET" else {}
        query = {name: value for name, value in request.query.items() if value != ""}
        return await handler(self._service, Call(query, body, request.path.rpartition("/")[2]))

    def _find(self, path: str) -> Mapping[str, Handler] | None:
        parent, slash, last = path.rpartition("/")
        found = self._routes.get(path)
        return found if found is not None or not last else self._routes.get(parent + slash)


def _json_object(raw: bytes) -> dict[str, Any]:
    """The body, whatever its Content-Type says."""
    try:
        body = json.loads(raw.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(1003, "the body must be JSON") from error
    if not isinstance(body, dict):
        raise Refusal(1003, "the body must be a JSON object")
    return body


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _recorded(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw


def loosened(envelope: dict[str, Any]) -> dict[str, Any]:
    """As seen in the wild: `message` for `msg`, numbers as strings, nulls, unknown fields."""
    loose = {name: _loose(name, value) for name, value in envelope.items() if name != "msg"}
    return loose | {"message": envelope.get("msg", ""), "request_id": 5150}


def _loose(name: str, value: Any) -> Any:
    if name in _OPTIONAL:
        return None
    if isinstance(value, dict):
        return {key: _loose(key, item) for key, item in value.items()} | {"new": {"field": 1}}
    if isinstance(value, list):
        return [_loose("", item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value
