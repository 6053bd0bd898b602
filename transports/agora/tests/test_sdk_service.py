"""`akool_agora.sdk_service`: one service per process, released with the last connection."""

import fake_agora
import pytest
from agora_engine import RecordedEvents, joined
from akool_agora import EngineError, Room

from akool_async.errors import JoinError


async def test_a_service_that_answers_0_and_is_not_there(sdk: fake_agora.Sdk) -> None:
    sdk.initialize_fails = True
    with pytest.raises(EngineError, match="though it answered 0"):
        async with joined(RecordedEvents()):
            pass
    sdk.initialize_fails = False
    async with joined(RecordedEvents()):
        assert len(sdk.services) == 2


@pytest.mark.parametrize("inited", [False, True])
async def test_a_service_that_breaks_while_starting_is_released(
    sdk: fake_agora.Sdk, inited: bool
) -> None:
    sdk.initialize_breaks = True
    sdk.inited_before_it_breaks = inited
    with pytest.raises(EngineError, match="didn't start"):
        async with joined(RecordedEvents()):
            pass
    assert [service.released for service in sdk.services] == [True]
    sdk.initialize_breaks = False
    async with joined(RecordedEvents(), Room("another app", "c", 1, "t")):
        assert sdk.services[-1].appid == "another app"


async def test_one_service_for_all_sessions_released_with_the_last(
    sdk: fake_agora.Sdk,
) -> None:
    async with joined(RecordedEvents()):
        async with joined(RecordedEvents(), Room("app", "other", 13, "t")):
            assert len(sdk.services) == 1
        assert not sdk.services[0].released
    assert sdk.services[0].released
    async with joined(RecordedEvents()):
        assert len(sdk.services) == 2


async def test_another_app_id_has_to_wait(sdk: fake_agora.Sdk) -> None:
    async with joined(RecordedEvents()):
        with pytest.raises(JoinError, match="another Agora app id"):
            async with joined(RecordedEvents(), Room("other", "c", 1, "t")):
                pass
    async with joined(RecordedEvents(), Room("other", "c", 1, "t")):
        assert sdk.services[-1].appid == "other"


@pytest.mark.parametrize(
    ("flag", "value", "code"),
    [
        ("no_connection", True, -7),
        ("no_stream", True, -1),
        ("register_answer", -1, -1),
        ("connect_answer", -8, -8),
    ],
)
async def test_what_the_sdk_refuses_leaves_nothing(
    sdk: fake_agora.Sdk, flag: str, value: object, code: int
) -> None:
    setattr(sdk, flag, value)
    with pytest.raises(EngineError) as raised:
        async with joined(RecordedEvents()):
            pass
    assert raised.value.code == code
    assert sdk.services[0].released
