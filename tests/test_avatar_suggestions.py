import pytest

from akool_async import AkoolClient, NotFoundError
from akool_async.avatar_suggestions import suggestion
from akool_async.simulator import Simulator


@pytest.fixture
async def service():
    async with Simulator() as simulator, AkoolClient("key", base_url=simulator.url) as akool:
        yield simulator, akool


async def test_ids_written_alike(service):
    _, akool = service
    text = await suggestion(akool._executor, "dvp_tristan_cloth2_1080p", legacy=False)
    assert "Close to it: dvp_Tristan_cloth2_1080P" in text


async def test_of_version_3_without_a_call(service):
    simulator, akool = service
    text = await suggestion(akool._executor, "Kai_1080P", legacy=True)
    assert text.startswith("There is no avatar 'Kai_1080P'. Close to it: Kai_1080P_back")
    assert not simulator.requests


async def test_a_list_that_fails_leaves_the_service_s_error_as_it_is(service):
    simulator, akool = service
    fault = simulator.fail_next(path="*/avatar/list", code=1018, times=9)
    with pytest.raises(NotFoundError) as raised:
        await akool.open_session("nonsense", stream_type="trtc")
    assert raised.value.code == 1008
    assert "akool avatars list" in raised.value.__notes__[0]
    assert sum(request.path.endswith("avatar/list") for request in simulator.requests) == 1
    simulator.clear_faults(fault)
