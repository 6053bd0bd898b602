from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from akool_async.conversation.transcript import Transcript


def talk() -> Transcript:
    transcript = Transcript()
    transcript.add("user", "typed", "Hello", mid="m1")
    entry = transcript.begin("avatar", "reply", mid="m1")
    entry.text = "Hi, I am"
    transcript.end(entry, interrupted=True)
    transcript.add("user", "speech", "Stop")
    return transcript


def test_entries_have_roles_times_and_ends():
    first, second, _ = talk()
    assert (first.role, first.source, first.complete) == ("user", "typed", True)
    assert (second.text, second.complete, second.interrupted) == ("Hi, I am", False, True)
    assert second.ended is not None
    assert first.started_at <= second.started_at <= second.ended
    assert datetime.now(UTC) - first.started_at < timedelta(minutes=1)


def test_it_is_a_sequence():
    transcript = talk()
    assert len(transcript) == 3
    assert transcript[-1].text == "Stop"
    assert [entry.text for entry in transcript[:2]] == ["Hello", "Hi, I am"]
    assert "Hello" not in repr(transcript)
    assert "Hello" not in f"{transcript} {transcript[0]} {transcript[0]!r}"


def test_as_chat_has_the_roles_of_chat_apis_and_no_empty_turns():
    transcript = talk()
    transcript.begin("avatar", "reply")
    assert transcript.as_chat(system="Be brief.") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi, I am"},
        {"role": "user", "content": "Stop"},
    ]


def test_as_json():
    first = json.loads(talk().to_json())[0]
    assert datetime.fromisoformat(first.pop("started_at")).tzinfo is not None
    assert datetime.fromisoformat(first.pop("ended")).tzinfo is not None
    assert first == {
        "role": "user",
        "text": "Hello",
        "source": "typed",
        "mid": "m1",
        "complete": True,
        "interrupted": False,
    }


def test_the_oldest_are_forgotten_and_counted():
    transcript = Transcript(limit=3)
    for number in range(5):
        transcript.add("user", "typed", str(number))
    assert [entry.text for entry in transcript] == ["2", "3", "4"]
    assert transcript.forgotten == 2


def test_an_entry_can_be_taken_back_but_never_its_equal():
    transcript = Transcript()
    first = transcript.begin("user", "typed", text="same")
    second = transcript.begin("user", "typed", text="same")
    transcript.discard(second)
    assert transcript[0] is first
    assert len(transcript) == 1
