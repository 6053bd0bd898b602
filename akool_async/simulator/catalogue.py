"""What a fresh simulator holds: the documents' own avatars, some voices, languages."""

from __future__ import annotations

from typing import Any, Final

from akool_async.models.avatar import OFFICIAL_AVATARS

__all__ = [
    "LANGUAGES",
    "LEGACY_AVATAR_IDS",
    "language_name",
    "official_avatars",
    "system_knowledge",
    "voices",
]

_STATIC: Final = "https://static.website-files.org/assets/avatar"

#: v3 sessions know these and the user's own uploads.
LEGACY_AVATAR_IDS: Final = (
    "Kai_1080P_back",
    "Katha_1080P_back",
    "Olivia_1080P_back",
    "who_1080P_back",
)

#: A few rows of `language/list`: its codes are regional.
LANGUAGES: Final = (
    ("af-ZA", "Afrikaans (South Africa)"),
    ("ar-EG", "Arabic (Egypt)"),
    ("de-DE", "German (Germany)"),
    ("en-US", "English (United States)"),
    ("es-ES", "Spanish (Spain)"),
    ("fr-FR", "French (France)"),
    ("hi-IN", "Hindi (India)"),
    ("it-IT", "Italian (Italy)"),
    ("ja-JP", "Japanese (Japan)"),
    ("ko-KR", "Korean (South Korea)"),
    ("pt-BR", "Portuguese (Brazil)"),
    ("ru-RU", "Russian (Russia)"),
    ("zh-CN", "Chinese (Mandarin, Simplified)"),
)

_NAMES: Final = {code.split("-")[0]: name.split(" (")[0] for code, name in LANGUAGES}


def language_name(code: str) -> str:
    """The name that the v3 chat room gives back for a code; an unknown code comes back as it is."""
    return _NAMES.get(code.split("-", maxsplit=1)[0].lower(), code)


def _avatar(
    number: int, avatar_id: str, name: str, gender: str, *, kind: int = 2, voice: str = ""
) -> dict[str, Any]:
    return {
        "_id": f"67498e55cd053926b2e7{number:04x}",
        "uid": 1,
        "type": kind,
        "from": 2,
        "avatar_id": avatar_id,
        "voice_id": voice or "iP95p4xoKVk53GoZ742B",
        "name": name,
        "url": f"{_STATIC}/avatar/streaming_avatar/{avatar_id}.mp4",
        "modify_url": f"{_STATIC}/avatar/streaming_avatar/{avatar_id}.mp4",
        "thumbnailUrl": f"{_STATIC}/avatar/thumbnail/{avatar_id}.webp",
        "gender": gender,
        "status": 3,
        "disabled": False,
        "sort": number,
        "create_time": 1_732_873_813_000 + number,
        "crop_arr": [],
    }


def official_avatars() -> list[dict[str, Any]]:
    """Records of the official avatars: v4's, v3's, and one talking avatar (no sessions with it)."""
    return [
        _avatar(1, OFFICIAL_AVATARS[0], "tristan_dvp", "male"),
        _avatar(2, OFFICIAL_AVATARS[1], "alinna_dvp", "female", voice="EXAVITQu4vr4xnSDxMaL"),
        _avatar(3, "Kai_1080P_back", "Kai", "male"),
        _avatar(4, "Katha_1080P_back", "Katha", "female"),
        _avatar(5, "Olivia_1080P_back", "Olivia", "female"),
        _avatar(6, "who_1080P_back", "who", "male"),
        _avatar(7, "Yasmin_in_White_shirt_20231121", "Yasmin in White shirt", "female", kind=1),
    ]


def _voice(
    number: int, voice_id: str, name: str, gender: str, locale: str, *, stream: bool = True
) -> dict[str, Any]:
    return {
        "_id": f"66bca9f1cd053926b2e7{number:04x}",
        "uid": 0,
        "team_id": "66bca9f1cd053926b2e70000",
        "voice_id": voice_id,
        "type": 2,
        "gender": gender,
        "language": dict(LANGUAGES)[locale].split(" (")[0],
        "locale": locale,
        "name": name,
        "preview": f"{_STATIC}/voice/{voice_id}.mp3",
        "text": "Hello, this is what I sound like.",
        "duration": 4000 + number,
        "status": 3,
        "create_time": 1_732_873_813_000 + number,
        "update_time": 1_732_873_813_000 + number,
        "style": ["Calm", "Clear"] if number % 2 else ["Lively"],
        "scenario": ["Conversational"] if number % 3 else ["Narration", "Conversational"],
        "age": ["Young"] if number % 2 else ["Middle Age"],
        "deduction_credit": 1,
        "voice_model_name": "Akool Multilingual 1" if stream else "Akool Multilingual 2",
        "support_stream": stream,
    }


def voices() -> list[dict[str, Any]]:
    """Records of voices: Akool's, one that can't stream, and a clone that isn't finished."""
    akools = [
        _voice(1, "iP95p4xoKVk53GoZ742B", "Chris", "Male", "en-US"),
        _voice(2, "EXAVITQu4vr4xnSDxMaL", "Sarah", "Female", "en-US"),
        _voice(3, "21m00Tcm4TlvDq8ikWAM", "Rachel", "Female", "en-US"),
        _voice(4, "XrExE9yKIg1WjnnlVkGX", "Matilda", "Female", "de-DE"),
        _voice(5, "ThT5KcBeYPX3keUQqHPh", "Dorothy", "Female", "es-ES"),
        _voice(6, "CwhRBWXzGAHq8TQ4Fs17", "Roger", "Male", "fr-FR"),
        *(
            _voice(number, f"akoolVoice{number:010d}", f"Voice {number}", gender, locale)
            for number, (gender, (locale, _)) in enumerate(
                zip(("Male", "Female") * 6, LANGUAGES, strict=False), start=7
            )
        ),
        _voice(90, "akoolMultilingual2Xy", "Studio", "Male", "en-US", stream=False),
    ]
    cloning = _voice(91, "", "My own", "Male", "en-US") | {
        "type": 1,
        "status": 2,
        "voice_id": None,
        "preview": None,
    }
    return [*akools, cloning]


def system_knowledge() -> dict[str, Any]:
    """The knowledge base that every account has."""
    return {
        "_id": "67a0c0ffee053926b2e70001",
        "team_id": "66bca9f1cd053926b2e70000",
        "uid": 1,
        "user_type": 1,
        "from": 1,
        "name": "About AKOOL",
        "prologue": "Hello, I'm here to help.",
        "prompt": "You answer questions about AKOOL.",
        "docs": [],
        "urls": ["https://akool.com"],
        "create_time": 1_732_873_813_000,
        "update_time": 1_732_873_813_000,
    }
