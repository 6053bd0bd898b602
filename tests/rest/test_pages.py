from __future__ import annotations

import json

import msgspec
import pytest
from scripted import Scripted, envelope

from akool_async.client import AkoolClient
from akool_async.models import Avatar, Session
from akool_async.rest.pages import page_decoder

ITEMS = [{"_id": "r1", "avatar_id": 7, "new": [1]}, {"_id": "r2", "status": "3"}]


def test_items_are_models_at_once() -> None:
    body = json.dumps({"code": "1000", "msg": "OK", "data": {"count": "2", "result": ITEMS}})
    decoded = page_decoder(Avatar)(body.encode())
    assert decoded["code"] == "1000"
    assert decoded["data"]["count"] == "2"
    assert decoded["data"]["result"] == [Avatar.read(item) for item in ITEMS]
    assert decoded["data"]["result"][0].model_extra == {"new": [1]}


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 1003, "msg": "no"},
        {"code": 1000},
        {"code": 1000, "data": None},
        {"code": 1000, "data": []},
        {"code": 1000, "data": {"count": 1}},
        {"code": 1000, "data": {"count": 1, "result": None}},
        {"code": 1000, "data": {"count": 1, "result": [{"status": "soon"}]}},
        [1],
        5,
    ],
)
def test_any_other_answer_is_plain_json(answer: object) -> None:
    assert page_decoder(Avatar)(json.dumps(answer).encode()) == answer


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"code": 1000, "data": {"res', b"\xff"])
def test_what_is_no_json_is_reported(body: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        page_decoder(Session)(body)


async def test_an_odd_item_doesnt_spoil_its_page(service: Scripted, client: AkoolClient) -> None:
    odd = [*ITEMS, {"_id": "r3", "status": "soon", "available": "maybe", "name": "n"}]
    service.answer(envelope({"count": 3, "result": odd}))
    page = await client.avatars.list()
    assert [avatar.id for avatar in page] == ["r1", "r2", "r3"]
    assert (page[1].status, page[2].status, page[2].name) == (3, None, "n")
