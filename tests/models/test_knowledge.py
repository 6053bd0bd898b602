from __future__ import annotations

from typing import Any

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.models import Knowledge, KnowledgeDoc
from akool_async.models.knowledge import knowledge_body

DOC = {"name": "a.pdf", "url": "https://host/a.pdf", "size": 5}


def test_everything_at_its_limit_is_sent() -> None:
    docs = [{**DOC, "size": 104_857_600}] * 5
    given = {
        "name": "n" * 100,
        "prologue": "p" * 2000,
        "prompt": "x" * 10_000,
        "docs": docs,
        "urls": ["https://host/"],
    }
    assert knowledge_body(**given) == given


def test_nothing_is_required_and_an_empty_prologue_clears() -> None:
    assert knowledge_body() == {}
    assert knowledge_body(prologue="") == {"prologue": ""}


@pytest.mark.parametrize(
    ("given", "field", "problem"),
    [
        ({"name": "n" * 101}, "name", "101 characters, at most 100"),
        ({"name": ""}, "name", "empty"),
        ({"prologue": "p" * 2001}, "prologue", "at most 2000"),
        ({"prompt": "x" * 10_001}, "prompt", "10001 characters, at most 10000"),
        ({"docs": [{**DOC, "size": 104_857_601}]}, "docs[0].size", "1..104857600 bytes"),
        ({"docs": [{**DOC, "size": 0}]}, "docs[0].size", "1..104857600 bytes"),
        ({"docs": [DOC, {**DOC, "name": "a.exe", "url": "https://h/a"}]}, "docs[1].name", "PDF"),
        ({"docs": [{**DOC, "url": "a.pdf"}]}, "docs[0].url", "https://"),
        ({"docs": [{"name": "a.pdf", "url": "https://h/a"}]}, "docs[0].size", "whole number"),
        ({"docs": [{**DOC, "mime": "x"}]}, "docs[0].mime", "name, url, size"),
        ({"docs": [{**DOC, "size": 104_857_600}] * 5 + [DOC]}, "docs", "524288000"),
        ({"docs": DOC}, "docs", "list"),
        ({"urls": "https://host"}, "urls", "list"),
        ({"urls": ["https://host", "host"]}, "urls[1]", "scheme"),
    ],
)
def test_what_the_service_would_refuse_is_refused_first(
    given: dict[str, Any], field: str, problem: str
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        knowledge_body(**given)
    assert caught.value.field == field
    assert problem in caught.value.problem


@pytest.mark.parametrize("kind", ["pdf", "DOC", "docx", "txt", "md", "json", "xml", "CSV"])
def test_every_documented_type_is_taken(kind: str) -> None:
    doc = KnowledgeDoc(f"a.{kind}", "https://host/file", 1)
    assert knowledge_body(docs=[doc])["docs"][0]["name"] == f"a.{kind}"


def test_the_type_may_stand_in_the_link() -> None:
    doc = KnowledgeDoc("A report, v1.2", "https://host/a%20b.pdf?sig=1", 1)
    assert knowledge_body(docs=[doc])["docs"][0]["size"] == 1


def test_a_partial_item_of_the_list_is_read() -> None:
    found = Knowledge.read({"_id": "6", "name": "n", "docs": None})
    assert (found.id, found.docs, found.urls, found.prompt) == ("6", (), (), None)
