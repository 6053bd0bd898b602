"""The engine over the SDK, against a stand-in with the SDK's names and defects."""

import asyncio
import threading
import time

import fake_agora
import pytest
from agora_engine import ROOM, RecordedEvents, joined
from akool_agora import AgoraTransport, EngineError, Room
from akool_agora.sdk import SDKEngine
from akool_agora.sdk_service import SERVICE
from pydantic import SecretStr

from akool_async.errors import JoinRefusedError
from akool_async.models.credentials import AgoraCredentials
from akool_async.testing.conformance import TIMEOUT, until
from akool_async.transport import ConnectionChange, ConnectionState, JoinTarget

# Joining and leaving


async def test_it_joins_with_the_credentials_as_strings(sdk: fake_agora.Sdk) -> None:
    async with joined(RecordedEvents()):
        assert sdk.connection.joined == ("t0ken", "channel", "12")


@pytest.mark.parametrize("reason", [3, 8, 9, 19])
async def test_a_refused_join_raises_the_reason(sdk: fake_agora.Sdk, reason: int) -> None:
    sdk.connect_reason = reason
    with pytest.raises(EngineError) as raised:
        async with joined(RecordedEvents()):
            pass
    assert raised.value.code == reason


@pytest.mark.parametrize("reason", [3, 8, 9, 19])
async def test_a_refused_join_leaves_before_it_raises(sdk: fake_agora.Sdk, reason: int) -> None:
    sdk.connect_reason = reason
    engine = SDKEngine()
    with pytest.raises(EngineError):
        await engine.join(ROOM, RecordedEvents())  # type: ignore[arg-type]
    assert sdk.connection.released
    assert sdk.services[0].released
    sdk.connect_reason = 1
    await engine.join(Room("other app", "c", 1, "t"), RecordedEvents())  # type: ignore[arg-type]
    assert sdk.services[-1].appid == "other app"
    await engine.leave()


async def test_a_second_join_leaves_the_first(sdk: fake_agora.Sdk) -> None:
    async with joined(RecordedEvents()) as engine:
        await engine.join(Room("app", "second", 12, "t"), RecordedEvents())  # type: ignore[arg-type]
        assert [connection.released for connection in sdk.connections] == [True, False]


async def test_leaving_waits_for_on_disconnected_and_releases_once(
    sdk: fake_agora.Sdk,
) -> None:
    recorded = RecordedEvents()
    async with joined(recorded) as engine:
        await asyncio.gather(engine.leave(), engine.leave())
        await engine.leave()
    assert sdk.connection.released
    assert not any(name == "disconnected" for name, *_ in recorded.events)


async def test_leaving_does_not_wait_for_ever(
    sdk: fake_agora.Sdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akool_agora.sdk.GOODBYE_TIMEOUT", 0.05)
    sdk.says_goodbye = False
    async with asyncio.timeout(TIMEOUT):
        async with joined(RecordedEvents()):
            pass
    assert sdk.connection.released


async def test_a_cancelled_leave_releases_all_the_same(sdk: fake_agora.Sdk) -> None:
    sdk.says_goodbye = False
    engine = SDKEngine()
    await engine.join(ROOM, RecordedEvents())  # type: ignore[arg-type]
    leaving = asyncio.create_task(engine.leave())
    await asyncio.sleep(0.01)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await until(lambda: sdk.services[0].released, "the release")


async def test_a_join_cancelled_half_way_is_undone(sdk: fake_agora.Sdk) -> None:
    sdk.hangs_on_connect.clear()
    engine = SDKEngine()
    joining = asyncio.create_task(engine.join(ROOM, RecordedEvents()))  # type: ignore[arg-type]
    await until(lambda: bool(sdk.connections), "the connection")
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    leaving = asyncio.create_task(engine.leave())
    sdk.hangs_on_connect.set()
    await leaving
    assert sdk.connection.released


async def test_a_leave_cancelled_before_the_connection_is_there(sdk: fake_agora.Sdk) -> None:
    sdk.hangs_on_connect.clear()
    engine = SDKEngine()
    joining = asyncio.create_task(engine.join(ROOM, RecordedEvents()))  # type: ignore[arg-type]
    await until(lambda: bool(sdk.connections), "the connection")
    joining.cancel()
    leaving = asyncio.create_task(engine.leave())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({joining, leaving})
    sdk.hangs_on_connect.set()
    await until(lambda: bool(sdk.services) and sdk.services[0].released, "the release")


async def test_observers_are_registered_again_for_the_next_join(sdk: fake_agora.Sdk) -> None:
    recorded = RecordedEvents()
    engine = SDKEngine()
    for round_ in (b"one", b"two"):
        await engine.join(ROOM, recorded)  # type: ignore[arg-type]
        sdk.connection.message("9", round_)
        await recorded.wait("packet", round_, "9")
        sdk.connection.emit("on_user_joined", round_.decode())
        await recorded.wait("user_joined", round_.decode())
        await engine.leave()


def test_a_leave_cancelled_by_the_end_of_the_loop(sdk: fake_agora.Sdk) -> None:
    """The connection comes when there is no loop any more: it is freed all the same."""
    sdk.hangs_on_connect.clear()
    engine = SDKEngine()

    async def main() -> None:
        joining = asyncio.create_task(engine.join(ROOM, RecordedEvents()))  # type: ignore[arg-type]
        await until(lambda: bool(sdk.connections), "the connection")
        joining.cancel()
        leaving = asyncio.create_task(engine.leave())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({joining, leaving})

    asyncio.run(main())
    assert not sdk.services[0].released
    sdk.hangs_on_connect.set()
    end = time.monotonic() + TIMEOUT
    while not sdk.services[0].released:
        assert time.monotonic() < end
        time.sleep(0.005)


async def test_slow_calls_leave_the_default_pool_free(sdk: fake_agora.Sdk) -> None:
    sdk.hangs_on_connect.clear()
    engines = [SDKEngine() for _ in range(40)]
    joining = [
        asyncio.create_task(engine.join(ROOM, RecordedEvents()))  # type: ignore[arg-type]
        for engine in engines
    ]
    await until(lambda: bool(sdk.connections), "the first connection")
    async with asyncio.timeout(TIMEOUT):
        await asyncio.to_thread(lambda: None)  # as looking up a host's name does
    assert not any(task.done() for task in joining)
    sdk.hangs_on_connect.set()
    await asyncio.gather(*joining)
    await asyncio.gather(*[engine.leave() for engine in engines])


# Packets


async def test_bytes_go_out_as_they_are(sdk: fake_agora.Sdk) -> None:
    packet = '{"text":"héllo 你好 😀"}'.encode()
    async with joined(RecordedEvents()) as engine:
        await engine.send(packet)
        await engine.send(bytearray(packet))  # type: ignore[arg-type]
        assert sdk.connection.sent == [packet, packet]


async def test_an_empty_packet_is_not_called_sent(sdk: fake_agora.Sdk) -> None:
    async with joined(RecordedEvents()) as engine:
        with pytest.raises(EngineError) as raised:
            await engine.send(b"")
        assert raised.value.code == -2


@pytest.mark.parametrize("code", [-2, -12, -113, -114, -115])
async def test_what_the_sdk_answers_is_raised(sdk: fake_agora.Sdk, code: int) -> None:
    sdk.send_answer = code
    async with joined(RecordedEvents()) as engine:
        with pytest.raises(EngineError) as raised:
            await engine.send(b"1")
        assert raised.value.code == code


async def test_sending_outside_a_channel(sdk: fake_agora.Sdk) -> None:
    engine = SDKEngine()
    for _ in range(2):
        with pytest.raises(EngineError) as raised:
            await engine.send(b"1")
        assert raised.value.code == -113
        async with joined(RecordedEvents()) as engine:
            pass


async def test_what_is_read_behind_a_nul_is_cut_off(sdk: fake_agora.Sdk) -> None:
    recorded = RecordedEvents()
    async with joined(recorded):
        sdk.connection.message("9", b'{"a":1}\0secret memory')
        sdk.connection.message("9", b'{"a":"\xc3\xa9"}')
        await recorded.wait("packet", b'{"a":"\xc3\xa9"}', "9")
    assert recorded.events[0] == ("packet", b'{"a":1}', "9")


# Callbacks


@pytest.mark.parametrize(
    ("callback", "args", "event"),
    [
        ("on_user_joined", ("9",), ("user_joined", "9")),
        ("on_user_left", ("9", 0), ("user_left", "9")),
        ("on_reconnecting", (None, 2), ("reconnecting", 2)),
        ("on_connection_lost", (None,), ("reconnecting", 16)),
        ("on_reconnected", (None, 15), ("reconnected", 15)),
        ("on_connection_failure", (None, 3), ("disconnected", 3)),
        ("on_disconnected", (None, 19), ("disconnected", 19)),
        ("on_token_privilege_will_expire", ("t0ken",), ("token_will_expire", 30.0)),
        ("on_token_privilege_did_expire", (), ("disconnected", 9)),
    ],
)
async def test_callbacks_become_events_on_the_loop(
    sdk: fake_agora.Sdk,
    callback: str,
    args: tuple[object, ...],
    event: tuple[object, ...],
) -> None:
    recorded = RecordedEvents()
    async with joined(recorded):
        sdk.connection.emit(callback, *args)
        await recorded.wait(*event)
    assert recorded.threads == {threading.current_thread()}
    assert sdk.vanished == []


@pytest.mark.parametrize(
    ("callback", "args", "event"),
    [
        ("on_user_info_updated", ("9", 1, False), "user_published"),
        ("on_user_info_updated", ("9", 0, False), "user_published"),
        ("on_user_info_updated", ("9", 1, True), "user_unpublished"),
        ("on_user_video_track_state_changed", ("9", None, 2, 0, 100), "user_published"),
        ("on_user_audio_track_state_changed", ("9", None, 1, 0, 100), "user_published"),
    ],
)
async def test_what_a_user_publishes(
    sdk: fake_agora.Sdk, callback: str, args: tuple[object, ...], event: str
) -> None:
    recorded = RecordedEvents()
    async with joined(recorded):
        sdk.connection.emit_to_user("on_user_info_updated", "9", 8, True)  # of no track
        sdk.connection.emit_to_user("on_user_video_track_state_changed", "9", None, 0, 0, 1)
        sdk.connection.emit_to_user(callback, *args)
        await recorded.wait(event, "9")
    assert recorded.events == [(event, "9")]
    assert sdk.vanished == []


async def test_the_end_is_reported_once_and_last(sdk: fake_agora.Sdk) -> None:
    recorded = RecordedEvents()
    async with joined(recorded):
        sdk.connection.emit("on_connection_failure", None, 3)
        sdk.connection.emit("on_disconnected", None, 5)
        sdk.connection.emit("on_user_joined", "9")
        await asyncio.to_thread(sdk.connection.idle)
        await recorded.wait("disconnected", 3)
    assert recorded.events == [("disconnected", 3)]


async def test_other_callbacks_are_borne(sdk: fake_agora.Sdk) -> None:
    async with joined(RecordedEvents()):
        sdk.connection.emit("on_transport_stats", object())
        await asyncio.to_thread(sdk.connection.idle)
    assert sdk.vanished == []


def test_a_callback_after_the_loop_is_closed_is_borne(sdk: fake_agora.Sdk) -> None:
    engine = SDKEngine()

    async def join_only() -> None:
        await engine.join(ROOM, RecordedEvents())  # type: ignore[arg-type]

    asyncio.run(join_only())
    sdk.connection.emit("on_user_joined", "9")
    sdk.connection.idle()
    assert sdk.vanished == []
    sdk.connection.disconnect()
    SERVICE.release(sdk.connection)


async def test_a_token_is_renewed_and_a_refusal_raised(sdk: fake_agora.Sdk) -> None:
    async with joined(RecordedEvents()) as engine:
        await engine.renew_token("new")
        sdk.renew_answer = -2
        with pytest.raises(EngineError):
            await engine.renew_token("newer")
    assert sdk.tokens == ["new", "newer"]


# Behind the adapter


async def test_the_adapter_over_the_sdk(sdk: fake_agora.Sdk) -> None:
    credentials = AgoraCredentials(
        agora_uid=12, agora_channel="c", agora_token=SecretStr("t0ken"), agora_app_id="app"
    )

    async def renew() -> AgoraCredentials:
        return credentials.model_copy(update={"agora_token": SecretStr("fresh")})

    AgoraTransport.preflight({})
    transport = AgoraTransport(JoinTarget(credentials, renew_credentials=renew), {})
    connecting = asyncio.create_task(transport.connect(timeout=TIMEOUT))
    await until(lambda: bool(sdk.connections and sdk.connection.joined), "the connection")
    sdk.connection.emit("on_user_joined", "9")
    await connecting
    await transport.send(b"question", timeout=TIMEOUT)
    assert sdk.connection.sent == [b"question"]
    sdk.connection.message("9", b"answer")
    assert await transport.receive() == b"answer"
    sdk.connection.emit("on_token_privilege_will_expire", "t0ken")
    assert await transport.receive() == ConnectionChange(
        ConnectionState.TOKEN_EXPIRING, seconds_left=30.0
    )
    assert await transport.receive() == ConnectionChange(ConnectionState.TOKEN_RENEWED)
    assert sdk.tokens == ["fresh"]
    assert transport.avatar_publishing is None
    sdk.connection.emit_to_user("on_user_info_updated", "9", 1, False)
    assert await transport.receive() == ConnectionChange(ConnectionState.AVATAR_PUBLISHED)
    assert transport.avatar_publishing is True
    await transport.close()


async def test_a_token_that_expired_before_the_join_is_renewed_once(
    sdk: fake_agora.Sdk,
) -> None:
    sdk.connect_reason = 9
    credentials = AgoraCredentials(
        agora_uid=12, agora_channel="c", agora_token=SecretStr("old"), agora_app_id="app"
    )

    async def renew() -> AgoraCredentials:
        # The refused connection is gone, and so may the app id be another one.
        assert sdk.connection.released
        assert sdk.services[0].released
        sdk.connect_reason = 1
        update = {"agora_token": SecretStr("fresh"), "agora_app_id": "other"}
        return credentials.model_copy(update=update)

    transport = AgoraTransport(JoinTarget(credentials, renew_credentials=renew), {"engine": "sdk"})
    connecting = asyncio.create_task(transport.connect(timeout=TIMEOUT))
    await until(lambda: len(sdk.connections) == 2 and bool(sdk.connection.joined), "the second")
    sdk.connection.emit("on_user_joined", "9")
    await connecting
    assert sdk.connection.joined == ("fresh", "c", "12")
    await transport.close()
    assert all(connection.released for connection in sdk.connections)


async def test_the_adapter_says_five_minutes(sdk: fake_agora.Sdk) -> None:
    sdk.connect_reason = 9
    credentials = AgoraCredentials(
        agora_uid=12, agora_channel="c", agora_token=SecretStr("t0ken"), agora_app_id="app"
    )
    transport = AgoraTransport(JoinTarget(credentials), {"engine": "sdk"})
    with pytest.raises(JoinRefusedError, match="five minutes"):
        await transport.connect(timeout=TIMEOUT)
    await transport.close()
