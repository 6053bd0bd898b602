import pytest

from akool_async import AkoolClient
from akool_async.cli.capture import CaptureOptions, captured
from akool_async.cli.terminal import printer
from akool_async.errors import ConfigurationError, InvalidParameterError
from akool_async.simulator import Simulator
from akool_async.simulator.capture import Capture


async def test_a_chat_is_captured_and_played_again(akool, akool_simulator, tmp_path):
    path = str(tmp_path / "session.jsonl")
    chat = await akool(
        "chat", "--transport", "agora", "--capture", path, "--capture-texts",
        url=akool_simulator.url,
    )  # fmt: skip
    chat.type("hello\n")
    await chat.printed("assist you today?")
    chat.type("/action nod\n")
    chat.end_input()
    assert await chat.ended() == 0, chat.errors
    assert f"packets are in {path}" in chat.output
    capture = Capture.read(path)
    assert (capture.dialect, capture.texts) == ("v2", True)
    sim = Simulator.replay(path, reply=lambda _: "another answer")
    async with (
        sim,
        AkoolClient("any", base_url=sim.url) as again,
        again.open_session("dvp_Tristan_cloth2_1080P", stream_type="agora") as avatar,
    ):
        reply = await avatar.ask("hello")
        assert reply.text == "Hello! How can I assist you today?"
        assert sim.differences(sim.open_sessions[0]) == [
            'not sent: command set-action {"action": "nod"}'
        ]


async def test_without_texts_none_is_in_the_file(tmp_path, capsys):
    path = tmp_path / "session.jsonl"
    out = printer()
    with pytest.raises(RuntimeError, match="the chat failed"):
        async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
            with captured(CaptureOptions(capture=str(path)), "agora", out) as fields:
                async with akool.open_session(
                    "dvp_Tristan_cloth2_1080P", stream_type="agora", **fields
                ) as avatar:
                    await avatar.ask("my name is Ada")
                    raise RuntimeError("the chat failed")
    # Written all the same.
    assert "Simulator.replay(" in capsys.readouterr().out
    written = path.read_text()
    assert "Ada" not in written
    assert "xx xxxx xx xxx" in written
    times = [packet.at for packet in Capture.read(path).packets]
    assert times == sorted(times)
    assert times[0] == 0


def test_what_cant_be_is_refused_before_a_session_is_opened(tmp_path):
    with (
        pytest.raises(InvalidParameterError, match="goes with --capture FILE"),
        captured(CaptureOptions(capture_texts=True), "agora", printer()),
    ):
        pass
    with (
        pytest.raises(ConfigurationError, match="can't be written"),
        captured(CaptureOptions(capture=str(tmp_path)), "agora", printer()),
    ):
        pass
    with captured(CaptureOptions(), "agora", printer()) as fields:
        assert fields == {}
