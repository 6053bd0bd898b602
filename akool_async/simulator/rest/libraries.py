"""Voices, languages, knowledge bases and the balance (docs/protocol.md §1)."""

from __future__ import annotations

from typing import Any, Final

from akool_async.simulator import checks
from akool_async.simulator.catalogue import LANGUAGES
from akool_async.simulator.checks import Refusal
from akool_async.simulator.rest.api import Call, Routes
from akool_async.simulator.service import Service

__all__ = ["ROUTES"]

#: What an account has that `Simulator(credits=None)` doesn't limit.
_ENOUGH: Final = 1_000_000.0
_VOICE_MODELS: Final = ("Akool Multilingual 1", "Akool Multilingual 3", "Akool Multilingual 4")
_VOICE_TEXTS: Final = ("text", "gender", "clone_prompt")
_VOICE_LISTS: Final = ("style", "scenario", "age")
_LONGEST_NAME: Final = 100
_LONGEST_PROLOGUE: Final = 2_000
_LONGEST_PROMPT: Final = 10_000
_LARGEST_DOC: Final = 104_857_600
_LARGEST_DOCS: Final = 524_288_000
_DOC_KINDS: Final = ("pdf", "doc", "docx", "txt", "md", "json", "xml", "csv")
_KNOWLEDGE_FIELDS: Final = ("name", "prologue", "prompt", "docs", "urls")
#: What items of the knowledge list leave out.
_DETAIL_ONLY: Final = frozenset({"prompt", "docs", "urls"})


async def voices(service: Service, call: Call) -> dict[str, Any]:
    """`GET /api/open/v4/voice/list`."""
    query = call.query
    kind = checks.query_integer(query, "type", None, 1, 2)
    if kind is None:
        raise Refusal(1003, "type can not be empty")
    part = checks.page(query, size=10)
    stream = checks.query_choice(query, "support_stream", ("1", "2"))
    found = [
        voice
        for voice in service.store.voices
        if voice["type"] == kind
        and (stream is None or voice["support_stream"] == (stream == "1"))
        and query.get("name", "").lower() in voice["name"].lower()
        and all(_matches(voice[name], query.get(name)) for name in _VOICE_LISTS)
        and _matches([voice["gender"]], query.get("gender"))
    ]
    # While a voice is being cloned, these two are null: the one place where null is documented.
    return {
        "result": [service.store.voice_object(voice) for voice in found[part]],
        "count": len(found),
        "page": checks.query_integer(query, "page", 1),
        "size": checks.query_integer(query, "size", 10),
    }


def _matches(values: list[str], wanted: str | None) -> bool:
    if wanted is None:
        return True
    options = {option.strip().lower() for option in wanted.split(",")}
    return any(value.lower() in options for value in values)


async def voice_clone(service: Service, call: Call) -> dict[str, Any]:
    """`POST /api/open/v4/voice/clone`: `source_voice_file` and `name` are required."""
    body = checks.without_empty(call.body)
    checks.link(body, "source_voice_file", required=True)
    name = checks.required_text(body, "name")
    model = checks.choice(body, "voice_model_name", _VOICE_MODELS) or _VOICE_MODELS[0]
    checks.link(body, "webhookUrl")
    fields: dict[str, Any] = {"name": name, "voice_model_name": model}
    for field in _VOICE_TEXTS:
        value = checks.text(body, field)
        if value is not None and field != "clone_prompt":
            fields[field] = value
    for field in _VOICE_LISTS:
        values = [body[field]] if isinstance(body.get(field), str) else None
        values = values or checks.items(body, field, str)
        if values is not None:
            fields[field] = values
    return service.store.clone_voice(fields)


async def voice_detail(service: Service, call: Call) -> dict[str, Any]:
    """`GET /api/open/v4/voice/detail/RECORD_ID`."""
    return service.store.voice(call.rest)


async def voice_delete(service: Service, call: Call) -> None:
    """`POST /api/open/v4/voice/del`: the user's own ones only."""
    ids = checks.items(call.body, "_ids", str)
    if not ids:
        raise Refusal(1003, "_ids can not be empty")
    service.store.remove_voices(ids)


async def languages(service: Service, call: Call) -> dict[str, Any]:
    """`GET /api/open/v3/language/list`."""
    del service, call
    return {
        "lang_list": [
            {
                "lang_code": code,
                "lang_name": name,
                "url": f"https://static.website-files.org/assets/flags/{code}.png",
            }
            for code, name in LANGUAGES
        ]
    }


async def knowledge_list(service: Service, call: Call) -> Any:
    """`GET /api/open/v4/knowledge/list`: newest first, without a count, items partial."""
    query = call.query
    part = checks.page(query, size=10)
    source = checks.query_choice(query, "from", ("1", "2"), "2")
    name = query.get("name", "").lower()
    found = [
        {field: value for field, value in record.items() if field not in _DETAIL_ONLY}
        for record in reversed(service.store.knowledge)
        if str(record["from"]) == source and name in str(record.get("name", "")).lower()
    ][part]
    return {"knowledge_list": found} if service.wrap_knowledge_list else found


async def knowledge_detail(service: Service, call: Call) -> dict[str, Any]:
    """`GET /api/open/v4/knowledge/detail`."""
    knowledge_id = checks.required_text(call.query, "id")
    return dict(service.store.find_knowledge(knowledge_id))


async def knowledge_create(service: Service, call: Call) -> dict[str, Any]:
    """`POST /api/open/v4/knowledge/create`: no field is required."""
    return dict(service.store.add_knowledge(_knowledge_fields(call.body)))


async def knowledge_update(service: Service, call: Call) -> dict[str, Any]:
    """`POST /api/open/v4/knowledge/update`: `id` and what changes."""
    knowledge_id = checks.required_text(call.body, "id")
    fields = _knowledge_fields(call.body)
    return dict(service.store.change_knowledge(knowledge_id, fields))


async def knowledge_delete(service: Service, call: Call) -> None:
    """`DELETE /api/open/v4/knowledge/delete`: `id` is in a JSON body."""
    knowledge_id = checks.required_text(call.body, "id")
    service.store.remove_knowledge(knowledge_id)


def _knowledge_fields(body: dict[str, Any]) -> dict[str, Any]:
    checks.text(body, "name", longest=_LONGEST_NAME)
    checks.text(body, "prologue", longest=_LONGEST_PROLOGUE, empty=True)
    checks.text(body, "prompt", longest=_LONGEST_PROMPT, empty=True)
    docs = checks.items(body, "docs", dict)
    if docs is not None:
        _check_docs(docs)
    urls = checks.items(body, "urls", str)
    for place, url in enumerate(urls or ()):
        checks.link({f"urls.{place}": url}, f"urls.{place}")
    return {name: body[name] for name in _KNOWLEDGE_FIELDS if name in body}


def _check_docs(docs: list[dict[str, Any]]) -> None:
    total = 0
    for doc in docs:
        name = checks.required_text(doc, "name")
        checks.link(doc, "url", required=True)
        size = checks.integer(doc, "size", 0, _LARGEST_DOC, required=True)
        assert size is not None
        if name.rsplit(".", 1)[-1].lower() not in _DOC_KINDS or "." not in name:
            raise Refusal(1003, f"docs must be of {', '.join(_DOC_KINDS)}")
        total += size
    if total > _LARGEST_DOCS:
        raise Refusal(1003, f"docs must be at most {_LARGEST_DOCS} bytes in all")


async def balance(service: Service, call: Call) -> dict[str, float]:
    """`GET /api/open/v3/faceswap/quota/info`: the account's, whatever the path says."""
    del call
    left = service.book.left
    return {"credit": _ENOUGH - service.book.taken if left is None else left}


ROUTES: Final[Routes] = {
    "/api/open/v4/voice/list": {"GET": voices},
    "/api/open/v4/voice/clone": {"POST": voice_clone},
    "/api/open/v4/voice/detail/": {"GET": voice_detail},
    "/api/open/v4/voice/del": {"POST": voice_delete},
    "/api/open/v3/language/list": {"GET": languages},
    "/api/open/v4/knowledge/list": {"GET": knowledge_list},
    "/api/open/v4/knowledge/detail": {"GET": knowledge_detail},
    "/api/open/v4/knowledge/create": {"POST": knowledge_create},
    "/api/open/v4/knowledge/update": {"POST": knowledge_update},
    "/api/open/v4/knowledge/delete": {"DELETE": knowledge_delete},
    "/api/open/v3/faceswap/quota/info": {"GET": balance},
}
