import pytest


async def test_list(run, akool_simulator):
    status, command = await run("avatars", "list", "--limit", "1")
    assert status == 0
    heading, *lines = command.output.splitlines()
    assert heading.split() == ["avatar_id", "name", "gender", "available"]
    assert len(lines) == 1
    assert "--page 2 shows more" in command.errors
    (request,) = akool_simulator.requests
    assert request.query["size"] == "1"


async def test_pages_as_json(run):
    _, everything = await run("avatars", "list", "--json")
    ids = [avatar["avatar_id"] for avatar in everything.items]
    assert "dvp_Tristan_cloth2_1080P" in ids
    _, second = await run("avatars", "list", "--json", "--limit", "1", "--page", "2")
    assert [avatar["avatar_id"] for avatar in second.items] == ids[1:2]
    assert second.errors == ""


async def test_show(run):
    status, command = await run("avatars", "show", "dvp_Tristan_cloth2_1080P")
    assert status == 0
    assert "avatar_id: dvp_Tristan_cloth2_1080P\n" in command.output
    status, command = await run("avatars", "show", "nobody", "--json")
    assert status == 4
    assert command.output == ""
    assert command.error["code"] in (1008, 1014)
    assert command.error["status"] == 4
    assert command.error["message"].endswith("To list those that there are: akool avatars list.")


@pytest.fixture
def akool_simulator_options():
    return {"upload_time": 0.2}


UPLOAD = ("avatars", "upload", "https://example.com/v.mp4", "--id", "mine", "--name", "Mine")


async def test_upload_and_wait(run):
    status, uploaded = await run(*UPLOAD, "--json")
    assert status == 0
    (avatar,) = uploaded.items
    assert avatar["avatar_id"] == "mine"
    status, waited = await run("avatars", "wait", avatar["_id"], "--json")
    assert status == 0
    assert waited.items[0]["status"] == 3
    assert "the avatar is" in waited.errors


async def test_upload_that_waits(run):
    status, command = await run(*UPLOAD, "--wait", "60")
    assert status == 0
    assert "status: 3\n" in command.output


async def test_waiting_for_none(run):
    status, command = await run("avatars", "wait", "nosuchrecord", "--json")
    assert status == 4
    assert command.error["code"] in (1008, 1014)
