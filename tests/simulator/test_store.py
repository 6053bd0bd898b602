from __future__ import annotations

from typing import Any

import pytest

from akool_async.simulator import Clock
from akool_async.simulator.checks import Refusal
from akool_async.simulator.store import Store, new_id

LINK = "https://files.example/me.mp4"


@pytest.fixture
def clock() -> Clock:
    return Clock(running=False)


@pytest.fixture
def store(clock: Clock) -> Store:
    return Store(clock, upload_time=10.0)


def refused(call: Any, *arguments: Any) -> int:
    with pytest.raises(Refusal) as caught:
        call(*arguments)
    return caught.value.code


def test_an_id_begins_with_the_second_it_was_made() -> None:
    first, second = new_id(), new_id()
    assert first != second
    assert len(first) == 24
    assert abs(int(first[:8], 16) - int(second[:8], 16)) <= 1


def test_an_upload_becomes_ready_with_the_clock(store: Store, clock: Clock) -> None:
    record = store.upload_avatar("mine", "Me", LINK)
    statuses = [store.status(record)]
    for seconds in (4.5, 0.5, 4.5, 0.5):
        clock.advance(seconds)
        statuses.append(store.status(record))
    assert statuses == [1, 1, 2, 2, 3]
    assert store.is_upload(record)
    assert store.find_avatar("mine") is record
    assert record in store.v4_avatars()
    assert refused(store.upload_avatar, "mine", "Again", LINK) == 1222


def test_an_upload_can_fail(store: Store, clock: Clock) -> None:
    record = store.upload_avatar("mine", "Me", LINK)
    store.fail_upload("mine")
    clock.advance(100)
    assert store.status(record) == 4


def test_official_avatars_are_ready_and_not_all_of_them_known_to_version_4(store: Store) -> None:
    assert {store.status(record) for record in store.avatars} == {3}
    assert not any(store.is_upload(record) for record in store.avatars)
    assert 0 < len(store.v4_avatars()) < len(store.avatars)
    added = store.add_avatar(avatar_id="new", name="New")
    assert store.v4_avatars()[-1] == added
    assert store.find_avatar("nothing") is None


def test_a_clone_has_no_id_until_it_is_ready(store: Store, clock: Clock) -> None:
    made = store.clone_voice({"name": "me"})
    assert (made["status"], made["voice_id"], made["preview"]) == (1, None, None)
    assert "type" not in made
    clock.advance(10)
    ready = store.voice(made["_id"])
    assert ready["status"] == 3
    assert ready["voice_id"]
    store.fail_voice(made["_id"])
    assert store.voice(made["_id"])["status"] == 4
    assert store.voice(made["_id"])["voice_id"] is None


def test_voices_of_the_users_are_deleted_all_or_none(store: Store) -> None:
    mine = [store.clone_voice({"name": name})["_id"] for name in ("a", "b")]
    before = len(store.voices)
    official = store.voices[0]["_id"]
    assert refused(store.remove_voices, [mine[0], official]) == 1008
    assert refused(store.remove_voices, ["nothing"]) == 1008
    assert len(store.voices) == before
    store.remove_voices(mine)
    assert len(store.voices) == before - 2
    assert refused(store.voice, mine[0]) == 1008


def test_the_life_of_a_knowledge_base(store: Store) -> None:
    made = store.add_knowledge({"name": "FAQ", "prompt": "p"})
    assert store.find_knowledge(made["_id"])["prompt"] == "p"
    updated = made["update_time"]
    store.change_knowledge(made["_id"], {"prompt": "q"})
    assert (made["prompt"], made["name"]) == ("q", "FAQ")
    assert made["update_time"] > updated
    assert refused(store.add_knowledge, {"name": "FAQ"}) == 1233
    other = store.add_knowledge({"name": "Other"})
    assert refused(store.change_knowledge, other["_id"], {"name": "FAQ"}) == 1233
    store.change_knowledge(made["_id"], {"name": "FAQ"})  # its own name
    store.remove_knowledge(made["_id"])
    assert refused(store.find_knowledge, made["_id"]) == 1232


def test_bases_without_a_name_are_not_the_same(store: Store) -> None:
    assert store.add_knowledge({})["_id"] != store.add_knowledge({})["_id"]


def test_the_systems_base_is_not_the_users(store: Store) -> None:
    system = store.knowledge[0]["_id"]
    assert refused(store.remove_knowledge, system) == 1009
    assert refused(store.change_knowledge, system, {"prompt": "x"}) == 1009
    assert refused(store.remove_knowledge, "nothing") == 1232


def test_times_are_the_clocks(store: Store, clock: Clock) -> None:
    first = store.now_ms()
    clock.advance(1.5)
    assert store.now_ms() - first == 1500
