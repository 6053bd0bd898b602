import asyncio
import itertools
import signal

import pytest
from av_samples import probe
from real_livekit import server_from_environment

# What a whole run writes, in this order; a signal comes as soon as each was written.
MOMENTS = [
    "local AKOOL",
    "room ",
    "set-params ",
    "you>    Hello",
    "avatar> I am",
    "from AKOOL.",
    "avatar> It has",
    "you>    Please count",
    "12, 13",
    "[interrupted]",
]
#: At these with the avatar's face and voice, which take the processor of several demos; at the
#: others without.
WITH_MEDIA = {"room ", "avatar> It has", "12, 13"}


@pytest.mark.parametrize(
    "transport",
    ["chatroom", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("agora", "trtc"))],
)
async def test_a_whole_conversation(akool, transport):
    demo = await akool("demo", "--transport", transport, key=None)
    await ended_well(demo, transport)


@pytest.mark.slow
async def test_a_whole_conversation_and_its_film(akool, tmp_path):
    path = tmp_path / "demo.webm"
    demo = await akool("demo", "--record", str(path), key=None)
    await ended_well(demo, "livekit")
    for expected in ("  picture     first after ", "  sound       first after ", f"{path}, "):
        assert expected in demo.output
    film = probe(path)
    assert film.codecs == {"video": ["vp9"], "audio": ["opus"], "subtitle": ["webvtt"]}
    assert film.sizes == {(640, 360)}
    # What is said takes three seconds at the least.
    assert min(film.sound, film.pictures[-1]) > 3
    assert film.beeps  # it isn't silent
    assert len(film.looks) > 2  # pictures that differ
    assert "packets through" in " ".join(text for _, _, text in film.subtitles)


async def ended_well(demo, transport):
    """Waits for its end; what it wrote is what a conversation over a transport writes."""
    assert await demo.ended() == 0, demo.errors
    for expected in (
        "It has 7 words, from “How” to “have”.",
        "session closed by REST",
        f"transport   {transport}",
        "used (simulated)",
        "\n  0 sessions left open\n",
    ):
        assert expected in demo.output
    assert " 0 packets" not in demo.output
    assert ("[interrupted]" in demo.output) is (transport != "chatroom")
    assert ", 49," not in demo.output  # the long answer was cut off
    assert demo.errors == ""


@pytest.mark.slow
async def test_interrupted_at_any_moment_it_leaves_no_session_open(akool):
    """Either signal is handled alike (tests/cli/test_running.py): they take turns."""
    slots = asyncio.Semaphore(4)
    signals = itertools.cycle([signal.SIGINT, signal.SIGTERM])

    async def interrupted(moment, number):
        async with slots:
            media = [] if moment in WITH_MEDIA else ["--no-media"]
            demo = await akool("demo", *media, key=None)
            await demo.printed(moment)
            demo.signal(number)
            # Killed by it only where it came after the end of everything: see the next line.
            assert await demo.ended() in (128 + number, 0, -number)
            assert "\n  0 sessions left open\n" in demo.output

    runs = (interrupted(*one) for one in zip(MOMENTS, signals, strict=False))
    outcomes = await asyncio.gather(*runs, return_exceptions=True)
    failed = {moment: error for moment, error in zip(MOMENTS, outcomes, strict=True) if error}
    assert not failed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--transport", "carrier-pigeon"], "No transport named 'carrier-pigeon'"),
        (["--livekit-url", "ws://127.0.0.1:1"], "needs --livekit-api-key"),
        (["--record", "a.webm", "--no-media"], "leave out --no-media"),
        (["--record", "no/such/folder/a.webm"], "isn't there; create it"),
    ],
)
async def test_options_that_make_no_sense(akool, arguments, message):
    demo = await akool("demo", *arguments, key=None)
    assert await demo.ended() == 2
    assert message in demo.errors


@pytest.mark.livekit_server
@pytest.mark.skipif(server_from_environment() is None, reason="run by `nox -s livekit`")
async def test_over_a_real_livekit_server(akool):
    server = server_from_environment()
    settings = {"LIVEKIT_API_KEY": server.api_key, "LIVEKIT_API_SECRET": server.api_secret}
    demo = await akool("demo", "--livekit-url", server.url, key=None, **settings)
    assert await demo.ended() == 0, demo.errors
    assert "[interrupted]" in demo.output
    assert "\n  0 sessions left open\n" in demo.output
    assert server.api_secret not in demo.output + demo.errors
