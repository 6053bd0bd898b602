from __future__ import annotations

from typing import Any

import pytest
from scripted import Scripted, envelope

from akool_async.client import AkoolClient
from akool_async.errors import InvalidParameterError
from akool_async.simulator import Simulator

CLONING = {"_id": "v1", "voice_id": None, "preview": None, "status": 1, "style": None}
READY = {
    "_id": "v2",
    "voice_id": "x",
    "duration": "1500",
    "style": ["calm"],
    "support_stream": True,
    "deduction_credit": "1",
}


async def test_what_it_asks_and_reads(service: Scripted, client: AkoolClient) -> None:
    service.answer(envelope({"result": [CLONING, READY], "count": 2, "page": 1, "size": 10}))
    page = await client.voices.list(
        1, style=["calm", "warm"], gender="male", name="bo", support_stream=False
    )
    assert (service.last.method, service.last.path) == ("GET", "/api/open/v4/voice/list")
    assert service.last.query == {
        "type": "1",
        "page": "1",
        "size": "10",
        "style": "calm,warm",
        "gender": "male",
        "name": "bo",
        "support_stream": "2",
    }
    cloning, ready = page
    assert (cloning.voice_id, cloning.style) == (None, ())
    assert (ready.duration, ready.style, ready.support_stream) == (1500, ("calm",), True)
    assert (page.count, page.has_more) == (2, False)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"type": 3}, "type"),
        ({"size": 0}, "size"),
        ({"style": []}, "style"),
        ({"age": ["a,b"]}, "age"),
        ({"name": ""}, "name"),
        ({"support_stream": 1}, "support_stream"),
    ],
)
async def test_wrong_values_are_refused(
    client: AkoolClient, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        client.voices.list(**given)
    assert caught.value.field == field


@pytest.mark.parametrize("wrapped", [True, False])
async def test_languages_are_one_page(
    service: Scripted, client: AkoolClient, wrapped: bool
) -> None:
    languages = [
        {"lang_code": "af-ZA", "lang_name": "Afrikaans", "url": "https://h/f.png"},
        {"lang_code": "en"},
    ]
    service.otherwise = envelope({"lang_list": languages} if wrapped else languages)
    page = await client.languages.list()
    assert [(one.code, one.name) for one in page] == [("af-ZA", "Afrikaans"), ("en", None)]
    assert not page.has_more
    assert [one.code async for one in client.languages.list()] == ["af-ZA", "en"]
    assert service.paths == ["/api/open/v3/language/list"] * 2


async def test_against_the_simulator() -> None:
    async with Simulator() as sim, AkoolClient("key-0123456789", base_url=sim.url) as akool:
        voices = [voice async for voice in akool.voices.list(size=3)]
        assert voices
        assert len({voice.id for voice in voices}) == len(voices)
        streaming = await akool.voices.list(support_stream=True, size=100)
        assert all(voice.support_stream for voice in streaming)
        assert "en" in {
            language.code and language.code[:2] async for language in akool.languages.list()
        }
