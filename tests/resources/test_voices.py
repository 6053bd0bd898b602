from __future__ import annotations

from typing import Any

import pytest
from scripted import Scripted, drop, envelope

from akool_async.client import AkoolClient
from akool_async.errors import (
    APIConnectionError,
    InvalidParameterError,
    NotFoundError,
    VoiceFailedError,
    WaitTimeoutError,
)
from akool_async.models import Voice, VoiceStatus
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


class TestCloning:
    async def test_what_is_sent(self, service: Scripted, client: AkoolClient) -> None:
        service.answer(envelope({"_id": "r1", "voice_id": None, "status": 1}))
        voice = await client.voices.clone(
            "https://x.example/me.mp3",
            name="Me",
            text="Hello",
            gender="Male",
            style="Calm",
            scenario=["Narration", "Conversational"],
            age="",
            clone_prompt="warm",
            voice_model_name="Akool Multilingual 3",
            webhook_url="https://x.example/hook",
        )
        assert (voice.id, voice.voice_id, voice.ready, voice.failed) == ("r1", None, False, False)
        assert service.last.path == "/api/open/v4/voice/clone"
        assert service.last.json == {
            "source_voice_file": "https://x.example/me.mp3",
            "name": "Me",
            "text": "Hello",
            "gender": "Male",
            "style": ["Calm"],
            "scenario": ["Narration", "Conversational"],
            "clone_prompt": "warm",
            "voice_model_name": "Akool Multilingual 3",
            "webhookUrl": "https://x.example/hook",
        }

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"source_voice_file": "me.mp3"}, "source_voice_file"),
            ({"name": " "}, "name"),
            ({"voice_model_name": "Akool Multilingual 2"}, "voice_model_name"),
            ({"webhook_url": "hook"}, "webhook_url"),
            ({"style": [1]}, "style[0]"),
            ({"age": 5}, "age"),
        ],
    )
    async def test_what_is_refused(
        self, fields: dict[str, Any], field: str, service: Scripted, client: AkoolClient
    ) -> None:
        given = {"source_voice_file": "https://x.example/me.mp3", "name": "Me", **fields}
        with pytest.raises(InvalidParameterError) as caught:
            await client.voices.clone(**given)
        assert caught.value.field == field
        assert not service.asked

    async def test_it_isnt_repeated_once_it_may_have_been_done(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        service.otherwise = drop
        with pytest.raises(APIConnectionError):
            await client.voices.clone("https://x.example/me.mp3", name="Me")
        with pytest.raises(APIConnectionError):
            await client.voices.delete("r1")
        assert len(service.asked) == 2

    async def test_an_id_is_one_part_of_the_path(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        service.answer(envelope({"_id": "a/b?c", "status": 3}))
        await client.voices.get("a/b?c")
        assert service.last.raw_path == "/api/open/v4/voice/detail/a%2Fb%3Fc"

    async def test_deleting_needs_an_id(self, client: AkoolClient) -> None:
        with pytest.raises(InvalidParameterError, match="voices: are missing"):
            await client.voices.delete()
        with pytest.raises(InvalidParameterError, match="no record id"):
            await client.voices.delete(Voice())

    async def test_from_recording_to_voice_and_gone(self) -> None:
        seen: list[int | None] = []
        async with (
            Simulator(upload_time=0.1) as simulator,
            AkoolClient("any", base_url=simulator.url) as akool,
        ):
            made = await akool.voices.clone("https://x.example/me.mp3", name="Me", style="Calm")
            assert (made.status, made.voice_id) == (1, None)
            voice = await akool.voices.wait_until_ready(
                made, interval=0.02, on_progress=lambda found: seen.append(found.status)
            )
            assert voice.voice_id
            assert voice.preview
            assert (voice.name, voice.style) == ("Me", ("Calm",))
            assert seen == sorted(seen, key=lambda status: status or 0)
            assert seen[-1] == VoiceStatus.READY
            assert made.id in [found.id async for found in akool.voices.list(1)]
            await akool.voices.delete(voice)
            assert made.id not in [found.id async for found in akool.voices.list(1)]
            with pytest.raises(NotFoundError):
                await akool.voices.get(str(made.id))
            with pytest.raises(NotFoundError):
                await akool.voices.delete(str(made.id))

    async def test_one_that_fails(self) -> None:
        async with (
            Simulator(upload_time=60) as simulator,
            AkoolClient("any", base_url=simulator.url) as akool,
        ):
            made = await akool.voices.clone("https://x.example/me.mp3", name="Me")
            with pytest.raises(WaitTimeoutError):
                await akool.voices.wait_until_ready(made, timeout=0.05, interval=0.01)
            simulator.store.fail_voice(str(made.id))
            with pytest.raises(VoiceFailedError) as caught:
                await akool.voices.wait_until_ready(made, interval=0.01)
            assert caught.value.record_id == made.id
