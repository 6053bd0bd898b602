from __future__ import annotations

from typing import Any

from akool_async.simulator.rest.loose_answers import loosened


def test_an_answer_as_it_is_seen_in_the_wild() -> None:
    data = {
        "_id": "s1",
        "status": 2,
        "open": True,
        "duration": 1.5,
        "gender": "Male",
        "list": [1, {"url": "https://x"}],
    }
    assert loosened({"code": 1000, "msg": "OK", "data": data}) == {
        "code": "1000",
        "message": "OK",
        "request_id": 5150,
        "data": {
            "_id": "s1",
            "status": "2",
            "open": True,
            "duration": "1.5",
            "gender": None,
            "list": ["1", {"url": None, "new": {"field": 1}}],
            "new": {"field": 1},
        },
    }


def test_the_answer_itself_is_left_as_it_was() -> None:
    envelope: dict[str, Any] = {"code": 1000, "msg": "OK", "data": {"status": 2}}
    loosened(envelope)
    assert envelope == {"code": 1000, "msg": "OK", "data": {"status": 2}}


def test_without_words_there_is_an_empty_message() -> None:
    assert loosened({"code": 1101}) == {"code": "1101", "message": "", "request_id": 5150}
