"""The public pytest plugin, in a pytest of its own, as a user's project has it.

In a process of its own only where that is what the test is about.
"""

from __future__ import annotations

import re

import pytest

#: Rooms of this kind begin soonest.
TRTC = 'pytestmark = pytest.mark.akool(stream_type="trtc")'
TALK = "assert (await avatar.ask('Hello')).text"


@pytest.fixture
def run(inner_pytest, pytester: pytest.Pytester):
    """`run(code, *options)`: pytest's result, with the projects' own settings in `options`."""

    def run(code: str, *options: str, in_own_process: bool = False) -> pytest.RunResult:
        pytester.makepyfile(code)
        if in_own_process:
            return pytester.runpytest_subprocess("-p", "no:cacheprovider", *STRICTLY, *options)
        return inner_pytest(*STRICTLY, *options)

    return run


STRICTLY = ("-W", "error::ResourceWarning", "-W", "error::RuntimeWarning")
LOOPS = ("-o", "asyncio_default_fixture_loop_scope=function")
AUTO = (*LOOPS, "-o", "asyncio_mode=auto")
STRICT = (*LOOPS, "-o", "asyncio_mode=strict")


def test_under_every_runner_that_a_project_may_have(run) -> None:
    code = f"""
import asyncio, unittest
import pytest
from akool_async import AkoolClient

{TRTC}

@pytest.fixture(params=["asyncio"])
def anyio_backend(request):
    return request.param

@pytest.mark.asyncio
async def test_asyncio(avatar, akool_simulator):
    {TALK}
    assert akool_simulator.asked(avatar.info.session_id) == ["Hello"]

@pytest.mark.asyncio(loop_scope="module")
async def test_a_loop_for_the_module(avatar):
    {TALK}

@pytest.mark.anyio
async def test_anyio(avatar):
    {TALK}

async def bot(said):
    async with AkoolClient() as akool:
        async with akool.open_session("dvp_Tristan_cloth2_1080P", stream_type="trtc") as avatar:
            said.append((await avatar.ask("Hello")).text)

def test_without_async(akool_environment, akool_simulator):
    said = []
    asyncio.run(bot(said))
    assert said and not akool_simulator.open_sessions

class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _environment(self, akool_environment): ...

    def test_it(self):
        said = []
        asyncio.run(bot(said))
        assert said

class TestAsyncCase(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def _environment(self, akool_environment, akool_simulator):
        self.simulator = akool_simulator

    async def test_it(self):
        async with AkoolClient() as akool, akool.open_session(
            "dvp_Tristan_cloth2_1080P", stream_type="trtc",
            respond_with=lambda turn: "You said " + turn.text,
        ) as avatar:
            session = await self.simulator.until_ready()
            await self.simulator.user_says(session, "hello")
            async for _ in avatar.events():
                if "You said hello" in self.simulator.said(session):
                    break
"""
    run(code, *AUTO).assert_outcomes(passed=6)
    run(code, *STRICT, "-n", "1", in_own_process=True).assert_outcomes(passed=6)


@pytest.mark.leaves_sessions_open
def test_a_session_left_open_fails_the_test_with_its_id(run) -> None:
    result = run(
        """
async def test_one(akool_client):
    session = await akool_client.sessions.create("dvp_Tristan_cloth2_1080P", stream_type="agora")
    print("made", session.id)

def test_two(akool_environment):
    import urllib.request, json
    request = urllib.request.Request(
        akool_environment["AKOOL_API_URL"] + "/api/open/v4/liveAvatar/session/create",
        json.dumps({"avatar_id": "dvp_Tristan_cloth2_1080P", "stream_type": "agora"}).encode(),
        {"x-api-key": "k", "Content-Type": "application/json"},
    )
    assert json.load(urllib.request.urlopen(request))["code"] == 1000
""",
        *AUTO,
        "-rP",
    )
    result.assert_outcomes(passed=2, errors=2)
    made = re.search(r"made (\w+)", result.stdout.str())
    assert made is not None
    assert f"1 session(s) left open: {made[1]}" in result.stdout.str()
    assert result.stdout.str().count("1 session(s) left open") == 2


def test_markers_choose_the_room_and_every_option(run) -> None:
    result = run(
        """
import pytest

pytestmark = pytest.mark.akool(stream_type="trtc")

def language_asked_for(simulator):
    (create,) = (one for one in simulator.requests if one.path.endswith("session/create"))
    return create.body["language"]

@pytest.mark.akool(stream_type="agora", language="de")
class TestMarked:
    async def test_class(self, avatar, akool_simulator):
        assert avatar.info.transport == "agora"
        assert language_asked_for(akool_simulator) == "de"

    @pytest.mark.akool(language="fr")
    async def test_nearest(self, avatar, akool_simulator):
        assert avatar.info.transport == "agora"
        assert language_asked_for(akool_simulator) == "fr"

async def test_the_module_s(avatar):
    assert avatar.info.transport == "trtc"
""",
        *AUTO,
        "--strict-markers",
    )
    result.assert_outcomes(passed=3)


def test_the_simulator_s_options_and_faults(run) -> None:
    result = run(
        """
import pytest

pytestmark = pytest.mark.akool(stream_type="trtc")

@pytest.fixture
def akool_simulator_options():
    return {"credits": 9000, "reply": lambda text: text.upper()}

async def test_one(avatar, akool_simulator):
    session = await akool_simulator.until_ready()
    assert (await avatar.ask("hello")).text == "HELLO"
    assert akool_simulator.credits_left < 9000
    with pytest.raises(ValueError):
        await akool_simulator.fault(session, "no such fault")
""",
        *AUTO,
    )
    result.assert_outcomes(passed=1)


def test_a_client_needs_an_async_test_and_says_so(run) -> None:
    result = run("def test_one(avatar): ...", *AUTO)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*akool_client belongs to an event loop*use akool_environment*"])


def test_an_async_test_that_nothing_runs_is_not_asked_to_be_async(run) -> None:
    result = run("async def test_one(avatar): ...", *STRICT)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*Mark it @pytest.mark.asyncio*"])


def test_what_a_marker_gives_without_a_name_is_refused(run) -> None:
    code = """
import pytest

@pytest.mark.akool("agora")
async def test_one(avatar): ...
"""
    result = run(code, *AUTO)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*options by name, and 'agora' has none*"])


def test_trio_is_skipped_with_the_reason(run) -> None:
    result = run(
        """
import pytest

@pytest.fixture
def anyio_backend():
    return "trio"

@pytest.mark.anyio
async def test_one(avatar): ...
""",
        *STRICT,
        "-rs",
    )
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*needs asyncio, and this test runs on trio*"])


def test_without_pytest_asyncio(run) -> None:
    code = f"""
import pytest

{TRTC}

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_one(avatar):
    {TALK}
"""
    run(code, "-p", "no:asyncio").assert_outcomes(passed=1)


def test_unused_it_loads_neither_the_simulator_nor_vendors(run) -> None:
    result = run(
        """
import sys

def test_one(request):
    assert request.config.pluginmanager.hasplugin("akool_async.testing.plugin")
    ours = {"akool_async.simulator", "akool_async.testing.in_memory_room"}
    names = ours | {"aiortc", "livekit", "av"}
    assert not names & set(sys.modules)
""",
        "-p",
        "akool_async.testing.plugin",
        "-p",
        "no:akool_async",
        in_own_process=True,
    )
    result.assert_outcomes(passed=1)
