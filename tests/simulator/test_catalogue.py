from __future__ import annotations

import pytest

from akool_async.models.avatar import OFFICIAL_AVATARS
from akool_async.models.session import LEGACY_AVATARS
from akool_async.models.voice import Voice
from akool_async.simulator import catalogue


@pytest.mark.parametrize(
    ("code", "name"),
    [("en", "English"), ("EN", "English"), ("de-AT", "German"), ("zh", "Chinese"), ("xx", "xx")],
)
def test_a_codes_name(code: str, name: str) -> None:
    assert catalogue.language_name(code) == name


def test_the_documents_avatars_are_there() -> None:
    records = {record["avatar_id"]: record for record in catalogue.official_avatars()}
    assert {*OFFICIAL_AVATARS, *catalogue.LEGACY_AVATAR_IDS} < records.keys()
    assert set(LEGACY_AVATARS) <= set(catalogue.LEGACY_AVATAR_IDS)
    assert len({record["_id"] for record in records.values()}) == len(records)
    talking = [record for record in records.values() if record["type"] == 1]
    assert len(talking) == 1  # one that no session can be made with


def test_voices_have_every_case() -> None:
    records = catalogue.voices()
    voices = [Voice.model_validate(record) for record in records]
    assert len(voices) > 10  # more than a page of ten
    assert len({voice.id for voice in voices}) == len(voices)
    assert {voice.support_stream for voice in voices} == {True, False}
    assert [voice.ready for voice in voices].count(False) == 1
    locales = {code for code, _ in catalogue.LANGUAGES}
    assert {voice.locale for voice in voices} <= locales


def test_each_simulator_has_records_of_its_own() -> None:
    for make in (catalogue.official_avatars, catalogue.voices):
        make()[0]["name"] = "changed"
        assert make()[0]["name"] != "changed"
    catalogue.system_knowledge()["docs"].append("changed")
    assert catalogue.system_knowledge()["docs"] == []
