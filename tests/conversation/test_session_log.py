"""The log of whole conversations: what is in it, and what never is."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from typing import Any

import pytest

from akool_async import AkoolClient
from akool_async.conversation.session_log import SessionLog
from akool_async.errors import AkoolError
from akool_async.events import ReplyDelta, SessionNotRenewed, UserSpoke
from akool_async.models.session import LEGACY_AVATARS
from akool_async.simulator import Simulator

AVATAR = "dvp_Tristan_cloth2_1080P"
KEY = "key-0123456789-abcdef"
QUESTION, HEARD, SAID = "what is the colour of envy", "is anybody at home", "welcome to the show"
ANSWER = "as green as a lawn in spring"


def strings(value: object) -> list[str]:
    """Every text in a value."""
    if isinstance(value, dict):
        return [one for part in value.values() for one in strings(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("kind", ["trtc", "chatroom"])
async def test_a_whole_conversation(caplog: pytest.LogCaptureFixture, kind: str) -> None:
    caplog.set_level(logging.DEBUG, logger="akool_async")
    where: dict[str, Any] = {"stream_type": kind, "avatar_id": AVATAR}
    if kind == "chatroom":
        where = {"legacy": True, "avatar_id": LEGACY_AVATARS[0]}
    async with (
        Simulator(reply=lambda text: ANSWER) as sim,
        AkoolClient(KEY, base_url=sim.url) as akool,
        akool.open_session(mode=2, **where) as avatar,
    ):
        session_id = avatar.info.session_id
        heard = avatar.events(UserSpoke)
        assert (await avatar.ask(QUESTION)).text == ANSWER
        if kind == "trtc":
            await sim.user_says(sim.open_sessions[0], HEARD)
            await anext(heard)
            await avatar.say(SAID).spoken()
        secrets = [one for one in strings(sim.open_sessions[0].access) if len(one) > 30]
    ours = [r for r in caplog.records if r.name.startswith("akool_async")]
    log = "\n".join(r.getMessage() for r in ours)
    assert secrets
    for secret in (KEY, *secrets):
        assert secret not in log
    above = [r.getMessage() for r in ours if r.levelno > logging.DEBUG]
    for text in (QUESTION, ANSWER, HEARD, SAID):
        assert not any(text in line for line in above)
    assert QUESTION in log  # of a packet, at DEBUG
    lines = [
        r.getMessage()
        for r in ours
        if r.name == "akool_async.session" and r.levelno == logging.INFO
    ]
    assert all(line.startswith(f"session {session_id}: ") for line in lines)
    names = [line.split()[2] for line in lines]
    assert names[0] == "joined"
    assert names[-1] == "Disconnected"
    assert names.count("ReplyDone") >= 1
    [done, *_] = [line for line in lines if "ReplyDone" in line]
    assert re.search(rf"ended=\w+ characters={len(ANSWER)} seconds=\d", done)
    if kind == "trtc":
        [spoke] = [line for line in lines if "UserSpoke" in line]
        assert f"characters={len(HEARD)}" in spoke


def test_packets_are_cut_short_and_pieces_have_no_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="akool_async.session")
    log = SessionLog(lambda: "one")
    log.event(ReplyDelta("a piece", "mid"))
    log.packet("sent", json.dumps({"text": "long " * 200}).encode())
    log.packet("received", b"\xff short")
    log.event(SessionNotRenewed(AkoolError("what the service said"), 2.0))
    cut, short, last = caplog.messages
    assert len(cut) < 260
    assert cut.endswith("… (1012 bytes)")
    assert short == "session one: received \ufffd short"
    assert last == "session one: SessionNotRenewed seconds_left=2.0 error=AkoolError"


def test_it_is_silent_until_logging_is_set_up() -> None:
    program = "import logging, akool_async; logging.getLogger('akool_async.x').error('unseen')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=120, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize("escaped", [False, True])
def test_of_a_urls_query_a_packet_shows_nothing(
    caplog: pytest.LogCaptureFixture, escaped: bool
) -> None:
    caplog.set_level(logging.DEBUG, logger="akool_async.session")
    packet = json.dumps({"vurl": "https://e.example/v.wav?sig=secret&x=1", "lang": "en"})
    SessionLog().packet("sent", (json.dumps({"payload": packet}) if escaped else packet).encode())
    assert "https://e.example/v.wav?***" in caplog.text
    assert "secret" not in caplog.text
    assert "lang" in caplog.text
