"""The table has a row for each row of docs/protocol.md."""

from __future__ import annotations

from pathlib import Path

from akool_async.probe.findings import Findings
from akool_async.probe.rows import ROWS, table
from akool_async.simulator import ServiceBehavior

PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"


def rows_after(heading: str) -> list[str]:
    text = PROTOCOL.read_text(encoding="utf-8")
    lines = text[text.index(heading) :].splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("|"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append(line[1:].strip())
    return found


def test_every_row_of_the_document_has_one():
    documented = rows_after("**Observed on the live service") + rows_after("**Still open.**")
    assert len(documented) > 20
    ours = {row.document for row in ROWS if row.document}
    for line in documented:
        assert any(line.startswith(document) for document in ours), line
    for document in ours:
        assert any(line.startswith(document) for line in documented), document


def test_every_switch_has_a_row():
    assert ServiceBehavior().to_dict().keys() <= {row.key for row in ROWS}


def test_what_was_seen_is_compared_with_the_default():
    findings = Findings("agora")
    findings.found("drops_before_video", None, "a command got no answer")
    findings.found("default_mode", 1)
    findings.missed("greets", "the session's time was up")
    findings.missed("greets", "another reason")
    findings.seen["refund"] = "all of it"
    rows = {row.question: row for row in table(findings)}
    dropped = rows["Are packets lost before the avatar publishes?"]
    assert (dropped.seen, dropped.default) == ("yes (a command got no answer)", "yes")
    assert dropped.agrees is True
    assert rows["Which mode has a session without one?"].agrees is False
    greets = rows["Does the avatar greet?"]
    assert (greets.seen, greets.agrees) == ("not seen: the session's time was up", None)
    assert rows["Do unused credits come back?"].seen == "all of it"
