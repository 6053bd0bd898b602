from __future__ import annotations

from typing import Any

import pytest
from scripted import Scripted, drop, envelope

from akool_async.client import AkoolClient
from akool_async.errors import (
    APIConnectionError,
    ConflictError,
    InvalidParameterError,
    NotFoundError,
)
from akool_async.models import KnowledgeDoc
from akool_async.simulator import Simulator

AT = "/api/open/v4/knowledge"


async def test_what_each_call_asks(service: Scripted, client: AkoolClient) -> None:
    service.otherwise = envelope({"_id": "k1", "name": "n", "docs": [{"size": "5"}]})
    made = await client.knowledge.create(
        name="n", docs=[KnowledgeDoc("a.pdf", "https://h/a.pdf", 5)], urls=["https://h"]
    )
    assert (service.last.method, service.last.path) == ("POST", f"{AT}/create")
    assert service.last.json == {
        "name": "n",
        "docs": [{"name": "a.pdf", "url": "https://h/a.pdf", "size": 5}],
        "urls": ["https://h"],
    }
    assert made.docs[0].size == 5
    await client.knowledge.get("k1")
    assert (service.last.method, service.last.path) == ("GET", f"{AT}/detail")
    assert service.last.query == {"id": "k1"}
    await client.knowledge.update("k1", prologue="")
    assert (service.last.method, service.last.path) == ("POST", f"{AT}/update")
    assert service.last.json == {"id": "k1", "prologue": ""}
    service.otherwise = envelope()
    assert await client.knowledge.update("k1", name="m") is None
    await client.knowledge.delete("k1")
    # DELETE with a JSON body.
    assert (service.last.method, service.last.path) == ("DELETE", f"{AT}/delete")
    assert service.last.json == {"id": "k1"}
    assert service.last.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("wrapped", [True, False])
async def test_both_shapes_of_the_list(
    service: Scripted, client: AkoolClient, wrapped: bool
) -> None:
    items = [{"_id": "k1"}, {"_id": "k2", "urls": None}]
    service.answer(envelope({"knowledge_list": items} if wrapped else items))
    page = await client.knowledge.list(name="n", source=2, size=50)
    assert service.last.query == {"page": "1", "size": "50", "name": "n", "from": "2"}
    assert [one.id for one in page] == ["k1", "k2"]
    assert not page.has_more


@pytest.mark.parametrize(
    ("call", "given", "field"),
    [
        ("create", {"prompt": "x" * 10_001}, "prompt"),
        (
            "create",
            {"docs": [{"name": "a.pdf", "url": "https://h/a", "size": 2**40}]},
            "docs[0].size",
        ),
        ("update", {"knowledge_id": "k1"}, "knowledge_id"),
        ("update", {"knowledge_id": "", "name": "n"}, "knowledge_id"),
        ("delete", {"knowledge_id": ""}, "knowledge_id"),
        ("get", {"knowledge_id": " "}, "knowledge_id"),
    ],
)
async def test_wrong_values_are_refused_before_any_request(
    service: Scripted, client: AkoolClient, call: str, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        await getattr(client.knowledge, call)(**given)
    assert caught.value.field == field
    for wrong in ({"source": 3}, {"size": 101}, {"name": ""}):
        with pytest.raises(InvalidParameterError):
            client.knowledge.list(**wrong)  # type: ignore[arg-type]
    assert service.asked == []


@pytest.mark.parametrize("call", ["create", "update", "delete"])
async def test_what_changes_something_is_not_repeated_blindly(
    service: Scripted, client: AkoolClient, call: str
) -> None:
    given = {
        "create": {"name": "n"},
        "update": {"knowledge_id": "k", "name": "n"},
        "delete": {"knowledge_id": "k"},
    }[call]
    service.otherwise = drop
    with pytest.raises(APIConnectionError):
        await getattr(client.knowledge, call)(**given)
    assert len(service.asked) == 1


async def test_against_the_simulator() -> None:
    async with Simulator() as sim, AkoolClient("key-0123456789", base_url=sim.url) as akool:
        made = [await akool.knowledge.create(name=f"n{n}", prompt="p") for n in range(3)]
        with pytest.raises(ConflictError):
            await akool.knowledge.create(name="n0")
        await akool.knowledge.update(made[0].id, prologue="hello")
        assert (await akool.knowledge.get(made[0].id)).prologue == "hello"
        listed = [one.id async for one in akool.knowledge.list(size=2)]
        assert listed == [one.id for one in reversed(made)]
        await akool.knowledge.delete(made[0].id)
        with pytest.raises(NotFoundError):
            await akool.knowledge.get(made[0].id)
        with pytest.raises(NotFoundError):
            await akool.knowledge.delete(made[0].id)
