import signal

from running_command import until

from akool_async import AkoolClient
from akool_async.events import UserSpoke
from akool_async.rooms import OwnLiveKitRoom
from akool_async.simulator import Simulator


async def test_what_it_prints_makes_programs_use_it(akool, monkeypatch, tmp_path):
    folder = {"XDG_RUNTIME_DIR": str(tmp_path)}
    options = ("--port", "0", "--no-media", "--say-as-user", "anyone there")
    command = await akool("simulator", *options, key=None, **folder)
    await command.printed("Ctrl-C ends it.")
    first, second, *_ = command.output.splitlines()
    assert first.startswith("export AKOOL_API_URL=http://127.0.0.1:")
    assert second.startswith("export LIVEKIT_URL=ws://127.0.0.1:")
    for line in (first, second):
        for setting in line.partition("#")[0].removeprefix("export ").split():
            monkeypatch.setenv(*setting.split("=", 1))
    port = first.split()[1].rpartition(":")[2]
    async with (
        AkoolClient() as client,
        client.open_session("dvp_Tristan_cloth2_1080P", room=OwnLiveKitRoom()) as avatar,
    ):
        # It may have been said before a reader of events is there.
        await until(lambda: "anyone there" in [entry.text for entry in avatar.transcript])
        spoken = avatar.events(UserSpoke)
        other = await akool("simulator", "hear", "from afar", "--port", port, "--json", **folder)
        assert await other.ended() == 0
        assert [item["_id"] for item in other.items] == [avatar.info.session_id]
        assert (await anext(spoken)).text == "from afar"
    command.signal(signal.SIGTERM)
    assert await command.ended() == 143
    assert list((tmp_path / "akool").iterdir()) == []


async def test_options_before_a_command_are_refused(akool):
    command = await akool("simulator", "--port", "9000", "hear", "hello", "--json")
    assert await command.ended() == 2
    assert "give it after hear" in command.error["message"]


async def test_a_port_that_is_taken(run):
    async with Simulator() as sim:
        port = sim.url.rpartition(":")[2]
        status, command = await run("simulator", "--port", port)
    assert status == 1
    assert port in command.errors


async def test_without_its_extra_it_says_how_to_install_it(akool, tmp_path):
    (tmp_path / "aiortc.py").write_text("raise ImportError('no aiortc here', name='aiortc')\n")
    command = await akool("demo", PYTHONPATH=str(tmp_path), key=None)
    assert await command.ended() == 2
    assert 'pip install "akool-async[simulator]"' in command.errors
