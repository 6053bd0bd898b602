"""Many renewals, one after the other: over in-memory rooms, the simulator and LiveKit."""

from __future__ import annotations

import pytest
from livekit import rtc
from renewing import AVATAR, renew_early, renew_in_the_simulator, renew_often
from rooms_in_turn import SHORT, Rooms

from akool_async import AkoolClient, OwnLiveKitRoom, SessionRenewed
from akool_async.simulator import ServiceBehavior, Simulator
from akool_async.simulator.rooms.livekit.tokens import API_KEY, API_SECRET, Grants, mint
from akool_async.testing.waiting import until


@pytest.mark.parametrize("limited", [False, True], ids=["two at once", "one at a time"])
@pytest.mark.slow
async def test_two_hundred_renewals(limited):
    rooms = Rooms(duration=SHORT, together=1 if limited else 2)
    rooms.says = lambda text: f"You said: {text}"
    async with rooms.session() as avatar:
        await renew_often(
            avatar, 200, SHORT, lambda: (text for one in rooms.avatars for _, text in one.chats)
        )
    assert rooms.open == []
    assert rooms.most == (1 if limited else 2)


@pytest.mark.parametrize("limited", [False, True], ids=["two at once", "one at a time"])
async def test_renewals_with_the_service(limited):
    await renew_in_the_simulator(limited, 25, "agora", SHORT, pace=0.03)


#: Sessions are short: without reports of speech, a quiet moment may not come before their end.
UNREPORTED = "worst_mix"


@pytest.mark.parametrize(
    "behavior",
    ["documented", "worst_mix", "greets+resets_parameters", "random=1", "random=4"],
)
async def test_renewals_under_other_behaviors(behavior):
    await renew_in_the_simulator(
        limited="random" in behavior,
        times=4,
        stream_type="agora",
        duration=SHORT,
        pace=0.03,
        behavior=ServiceBehavior.load(behavior),
        always_quiet=behavior != UNREPORTED,
    )


@pytest.fixture
def early(request, monkeypatch) -> None:
    renew_early(monkeypatch, request.param)


@pytest.mark.slow
@pytest.mark.real_clock
@pytest.mark.parametrize("early", [3], indirect=True)
@pytest.mark.parametrize("limited", [False, True], ids=["two at once", "one at a time"])
async def test_renewals_over_livekit(limited, early):
    await renew_in_the_simulator(limited, 3, "livekit", 300, pace=0.005)


@pytest.mark.real_clock
@pytest.mark.parametrize("early", [1], indirect=True)
async def test_people_in_a_livekit_room_of_ones_own_see_the_next_avatar(early):
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        own = OwnLiveKitRoom(
            name="mine",
            url=sim.url.replace("http://", "ws://"),
            api_key=API_KEY,
            api_secret=API_SECRET,
        )
        guest = rtc.Room()
        try:
            await guest.connect(own.url, mint(Grants("guest", "mine"), lifetime=60))
            async with akool.open_session(AVATAR, room=own, duration=300, renew="quiet") as avatar:
                renewed = avatar.events(SessionRenewed)
                first = own.avatar_identity
                assert first in guest.remote_participants
                event = await anext(renewed)
                assert event.own_room
                assert event.credentials == {}
                assert f"{first}-2" in guest.remote_participants
                await until(lambda: first not in guest.remote_participants)
                assert (await avatar.ask("Are you new?")).text == "You said: Are you new?"
        finally:
            await guest.disconnect()
    assert sim.open_sessions == []
