from __future__ import annotations

from typing import Any

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.models.voice import Language, Voice, clone_body

LINK = "https://files.example/me.mp3"


@pytest.mark.parametrize(
    ("raw", "ready", "failed"),
    [
        ({"status": 1}, False, False),
        ({"status": 3, "voice_id": "v"}, True, False),
        ({"status": 3}, False, False),
        ({"status": 3, "voice_id": ""}, False, False),
        ({"status": 4, "voice_id": "v"}, False, True),
        ({"voice_id": "v"}, False, False),
    ],
)
def test_a_voice_is_ready_once_it_has_an_id(raw: dict[str, Any], ready: bool, failed: bool) -> None:
    voice = Voice.model_validate(raw)
    assert (voice.ready, voice.failed) == (ready, failed)


def test_a_languages_fields_have_shorter_names() -> None:
    language = Language.model_validate({"lang_code": "af-ZA", "lang_name": "Afrikaans"})
    assert (language.code, language.name, language.url) == ("af-ZA", "Afrikaans", None)


def test_only_what_is_given_is_sent() -> None:
    body = clone_body(LINK, name="me", gender=None, style="", webhook_url=None)
    assert body == {"source_voice_file": LINK, "name": "me"}


def test_every_field_of_cloning() -> None:
    body = clone_body(
        LINK,
        name="me",
        text="Hello",
        gender="Male",
        clone_prompt="calm",
        style=("Calm", "Clear"),
        age="Young",
        voice_model_name="Akool Multilingual 3",
        webhook_url="https://hooks.example/x",
    )
    assert body == {
        "source_voice_file": LINK,
        "name": "me",
        "text": "Hello",
        "gender": "Male",
        "clone_prompt": "calm",
        "style": ["Calm", "Clear"],
        "age": ["Young"],
        "voice_model_name": "Akool Multilingual 3",
        "webhookUrl": "https://hooks.example/x",
    }


@pytest.mark.parametrize(
    ("link", "given", "field"),
    [
        ("no link", {}, "source_voice_file"),
        (LINK, {"name": ""}, "name"),
        (LINK, {"style": 5}, "style"),
        (LINK, {"style": ["Calm", 5]}, "style[1]"),
        (LINK, {"gender": 5}, "gender"),
        (LINK, {"voice_model_name": "Akool Multilingual 2"}, "voice_model_name"),
        (LINK, {"webhook_url": "ftp:/x"}, "webhook_url"),
    ],
)
def test_a_wrong_field_is_named(link: str, given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        clone_body(link, **{"name": "me", **given})
    assert caught.value.field == field
