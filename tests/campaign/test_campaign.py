"""The campaign's parts, small; and that they find what they are for."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "fuzz")]

import conversations  # noqa: E402
import lives  # noqa: E402
import malformed  # noqa: E402
import overload  # noqa: E402
import restarts  # noqa: E402
import rooms  # noqa: E402
from conversations import Case  # noqa: E402
from findings import Report  # noqa: E402
from real_livekit import built  # noqa: E402
from virtual_clock import VirtualClockLoop  # noqa: E402

from akool_async.stream import StreamCodec  # noqa: E402


@pytest.mark.campaign
async def test_no_session_stays_open():
    report = await lives.run(0, 1, once=True, lives=4)
    assert report.violations == []
    assert report.counts["lives"] == 4
    assert report.counts["sessions"] > 0


@pytest.mark.campaign
async def test_a_session_that_is_left_open_is_found(monkeypatch):
    async def leaves_it(akool, dice):
        await akool.sessions.create(lives.AVATAR, stream_type="trtc")

    monkeypatch.setattr(lives, "ENDS", {"leaves it": leaves_it})
    monkeypatch.setattr(lives, "PROGRAMS", {})
    monkeypatch.setattr(lives, "WEATHERS", {"fair": []})
    report = await lives.run(0, 1, once=True, lives=2)
    [violation] = report.violations
    assert violation.what == "sessions stayed open"
    assert "again: python tests/campaign lives --seed 1 --once" in str(violation)
    assert "life 21: leaves it" in str(violation)


@pytest.mark.virtual_clock
async def test_every_question_has_its_answer_or_says_why_not():
    report = Report("conversations")
    for seed in range(8):
        assert await conversations.converse(Case(seed), report) == []
    assert report.counts["questions"] == 8 * conversations.QUESTIONS
    assert report.counts["answered"] > 100


@pytest.mark.virtual_clock
async def test_a_wrong_answer_is_found(monkeypatch):
    right = conversations.Avatar._answer

    async def answers_another(self, mid, text):
        await right(self, mid, "question 1.5" if text == "question 1.7" else text)

    monkeypatch.setattr(conversations.Avatar, "_answer", answers_another)
    found = await conversations.converse(Case(1, plain_avatar=True), Report("conversations"))
    assert any("'question 1.7' was answered with" in what for what, _ in found)


def test_a_violation_is_reduced_to_what_it_takes(monkeypatch):
    right = conversations.Avatar._answer

    async def answers_another(self, mid, text):
        await right(self, mid, "question 3.1" if text == "question 3.2" else text)

    monkeypatch.setattr(conversations.Avatar, "_answer", answers_another)
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        case = conversations.reduced(Case(3), runner)
    assert case == Case(3, 5, 1, troubled=False, plain_room=True, plain_avatar=True)
    assert str(case) == (
        "seed=3, questions=5, at_a_time=1, troubled=False, plain_room=True, plain_avatar=True"
    )


def test_malformed_input_raises_typed_errors_only():
    report = malformed.run(0, 1, once=True, chunk=300)
    assert report.violations == []
    assert report.counts["packets"] == 600
    assert report.counts["answers read"] + report.counts["answers refused"] == 300


async def test_rooms_full_of_strangers_and_malformed_bytes(monkeypatch):
    report = Report("malformed")
    await rooms.agora(1, report, 200)
    await rooms.livekit(1, report, 500)
    await rooms.chatroom(1, report, 2)
    assert report.violations == []
    assert report.counts["websocket frames"] == 2 * rooms.FRAMES
    monkeypatch.setattr(rooms, "AVATAR", "7")  # the session takes another one for the avatar
    monkeypatch.setattr(rooms, "LIMIT", 0.2)  # what is to come never does
    await rooms.agora(1, report, 10)
    assert len(report.violations) == 1


def test_an_untyped_error_is_found(monkeypatch):
    def broken(self, packet, *, now):
        raise IndexError("a fault of ours")

    monkeypatch.setattr(StreamCodec, "decode", broken)
    report = malformed.run(0, 1, once=True, chunk=3)
    assert len(report.violations) >= 6
    assert "decode raised IndexError" in report.violations[0].what


@pytest.mark.campaign
async def test_sessions_outlive_a_service_that_stands_still():
    report = await asyncio.wait_for(overload.run(0, 0, once=True, sessions=20, still=0.5), 300)
    assert report.violations == []
    assert report.counts["rounds"] == 1
    assert report.counts["answered"] >= 20


async def test_without_a_livekit_server_the_restarts_are_left_out_and_it_is_said(monkeypatch):
    monkeypatch.setattr(restarts, "built", lambda: None)
    report = await restarts.run(0, 1, once=True)
    assert "1 rounds left out: there is no livekit-server here" in str(report)


@pytest.mark.campaign
@pytest.mark.skipif(built() is None, reason="no livekit-server was built here")
async def test_rooms_outlive_their_server_and_a_session_left_open_is_found(monkeypatch):
    monkeypatch.setattr(restarts, "AWAY", (1.0,))
    report = await asyncio.wait_for(restarts.run(0, 1, once=True, rooms=2), 300)
    assert report.violations == []
    assert report.counts["kills"] == report.counts["rounds"] == 1
    assert report.counts["answered"] >= 2

    async def leaves_it(akool, number, rooms):
        rooms.tried += 1
        await akool.sessions.create(restarts.AVATAR, stream_type="livekit")

    monkeypatch.setattr(restarts, "_room", leaves_it)
    report = await asyncio.wait_for(restarts.run(0, 1, once=True, rooms=2), 300)
    [violation] = report.violations
    assert "2 sessions are open after a restart" in violation.what
