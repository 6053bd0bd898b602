"""A person's words that the service speaks back: for how long, until the program ends that."""

from __future__ import annotations

from typing import Literal, TypeAlias

from akool_async import AkoolClient
from akool_async.simulator import Simulator
from akool_async.testing.waiting import until
from framework import Bench, percentile, row

AVATAR = "dvp_Tristan_cloth2_1080P"
#: Seconds for a word: an echo that isn't interrupted takes two seconds.
PACE = 0.25
TURNS = 20
Kind: TypeAlias = Literal["livekit", "agora"]
KINDS: tuple[Kind, ...] = ("livekit", "agora")


@row(
    "a person's words spoken back, until they are interrupted",
    group="conversation",
    unit="ms",
    limit=300.0,
)
async def echo(bench: Bench) -> None:
    """In retelling mode, with a model of one's own that answers at once; as the service was seen
    to, the simulated avatar speaks recognised words back 10 ms after it sent them."""
    for _ in bench.rounds(3):
        for kind in KINDS:
            lasted = await echoes(kind)
            for percent in (50, 99):
                bench.record(f"{kind}, p{percent}", ours=percentile(lasted, percent) * 1000)


async def echoes(kind: Kind) -> list[float]:
    """Of each turn: the seconds for which the person's words were spoken back."""
    async with (
        Simulator(pace=PACE, queue_time=0.0) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type=kind, respond_with=lambda turn: "Yes.") as avatar,
    ):
        for turn in range(1, TURNS + 1):
            await answered(sim, turn)
        back, answers = spoken(sim)
        assert len(avatar.transcript) == 2 * TURNS
        # One that was interrupted before it began was never heard.
        return [*back, *[0.0] * (len(answers) - len(back))]


async def answered(sim: Simulator, turn: int) -> None:
    """The person says a sentence; returns when its answer is over."""
    (session,) = sim.open_sessions
    await sim.user_says(session, f"This is sentence number {turn} of a visitor.")
    await until(lambda: len(spoken(sim)[1]) == turn)


def spoken(sim: Simulator) -> tuple[list[float], list[float]]:
    """The seconds that each message took which was spoken to its end or to an interrupt: of those
    that spoke a person's words back, and of the answers."""
    own: set[str] = set()
    begun: dict[str, float] = {}
    back: list[float] = []
    answers: list[float] = []
    for one in sim.packets:
        message = one.message
        mid, event = message.get("mid", ""), message.get("pld", {}).get("event")
        if one.direction == "in" and message["type"] == "chat":
            own.add(mid)
        elif event == "audio_start":
            begun[mid] = one.at
        elif event == "audio_end":
            (answers if mid in own else back).append(one.at - begun[mid])
    return back, answers
