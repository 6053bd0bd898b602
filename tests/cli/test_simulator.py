import signal

from akool_async import AkoolClient
from akool_async.simulator import Simulator


async def test_it_prints_the_line_to_export(akool, monkeypatch):
    command = await akool("simulator", "--port", "0", key=None)
    await command.printed("Ctrl-C ends it.")
    first = command.output.splitlines()[0]
    assert first.startswith("export AKOOL_API_URL=http://127.0.0.1:")
    for setting in first.removeprefix("export ").split():
        monkeypatch.setenv(*setting.split("=", 1))
    async with (
        AkoolClient() as client,
        client.open_session("dvp_Tristan_cloth2_1080P", stream_type="agora") as avatar,
    ):
        assert (await avatar.ask("Hello")).text == "Hello! How can I assist you today?"
    command.signal(signal.SIGTERM)
    assert await command.ended() == 143


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
