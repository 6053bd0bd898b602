"""What follows from what was seen."""

from __future__ import annotations

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.probe.findings import Findings
from akool_async.probe.room import Answer, Asked
from akool_async.probe.wire import Seen


def answer(*fins: bool | None, mid: str = "q", over: bool = True) -> Answer:
    parts = tuple(
        Seen(0.0, "bot", mid, "text", fin, "top" if fin is not None else None) for fin in fins
    )
    return Answer(Asked(0, "q", "text", 0.0), parts, (), None, None, over)


@pytest.mark.parametrize(
    ("fins", "found"),
    [
        ((False, False, True), "every"),
        ((None, True), "only_last"),
        ((None, None), "missing"),
        ((True,), None),
    ],
)
def test_which_parts_have_fin(fins, found):
    findings = Findings("agora")
    findings.read_replies([answer(*fins)])
    assert findings.switches.get("fin") == found
    assert ("fin" in findings.unseen) is (found is None)


def test_a_reply_that_was_cut_off_says_nothing_about_ends():
    findings = Findings("agora")
    findings.read_replies([answer(None, mid="other", over=False)])
    assert findings.switches == {"reply_mid": "other", "echo": "off"}


def test_no_replies():
    findings = Findings("agora")
    findings.read_replies([answer()])
    findings.read_log([])
    findings.read_commands([None])
    assert findings.switches == {}
    assert findings.unseen["command_type"] == "no command was answered"


def test_a_position_that_doesnt_exist():
    with pytest.raises(InvalidParameterError):
        Findings("agora").found("fin", "sometimes")
