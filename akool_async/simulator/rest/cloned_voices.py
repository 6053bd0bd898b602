"""Cloning voices, one voice, deleting voices (docs/protocol.md §1)."""

from __future__ import annotations

from typing import Any, Final

from akool_async.simulator import checks
from akool_async.simulator.checks import Refusal
from akool_async.simulator.rest.api import Call, Routes
from akool_async.simulator.service import Service

__all__ = ["ROUTES"]

_MODELS: Final = ("Akool Multilingual 1", "Akool Multilingual 3", "Akool Multilingual 4")
_TEXTS: Final = ("text", "gender", "clone_prompt")
_LISTS: Final = ("style", "scenario", "age")


async def clone(service: Service, call: Call) -> dict[str, Any]:
    """`POST /api/open/v4/voice/clone`: `source_voice_file` and `name` are required."""
    body = checks.without_empty(call.body)
    checks.link(body, "source_voice_file", required=True)
    name = checks.text(body, "name", required=True)
    model = checks.choice(body, "voice_model_name", _MODELS) or _MODELS[0]
    checks.link(body, "webhookUrl")
    fields: dict[str, Any] = {"name": name, "voice_model_name": model}
    for field in _TEXTS:
        value = checks.text(body, field)
        if value is not None and field != "clone_prompt":
            fields[field] = value
    for field in _LISTS:
        values = [body[field]] if isinstance(body.get(field), str) else None
        values = values or checks.items(body, field, str)
        if values is not None:
            fields[field] = values
    return service.store.clone_voice(fields)


async def detail(service: Service, call: Call) -> dict[str, Any]:
    """`GET /api/open/v4/voice/detail/RECORD_ID`."""
    return service.store.voice(call.rest)


async def delete(service: Service, call: Call) -> None:
    """`POST /api/open/v4/voice/del`: the user's own ones only."""
    ids = checks.items(call.body, "_ids", str)
    if not ids:
        raise Refusal(1003, "_ids can not be empty")
    service.store.remove_voices(ids)


ROUTES: Final[Routes] = {
    "/api/open/v4/voice/clone": {"POST": clone},
    "/api/open/v4/voice/detail/": {"GET": detail},
    "/api/open/v4/voice/del": {"POST": delete},
}
