import pytest


@pytest.fixture
def akool_simulator_options():
    return {"upload_time": 0.2}


async def test_voices_are_filtered_by_the_service(run, akool_simulator):
    status, command = await run("voices", "list", "--gender", "female", "--streaming")
    assert status == 0
    assert "voice_id" in command.output
    (request,) = akool_simulator.requests
    assert request.query["type"] == "2"
    assert request.query["support_stream"] == "1"
    assert request.query["gender"] == "female"


async def test_cloning_and_deleting(run, akool_simulator):
    link = "https://example.com/v.mp3"
    status, command = await run("voices", "clone", link, "--name", "Mine", "--wait", "60", "--json")
    assert status == 0, command.errors
    (voice,) = command.items
    assert voice["status"] == 3
    assert voice["voice_id"]
    status, command = await run("voices", "list", "--cloned")
    assert voice["_id"] in command.output
    status, command = await run("voices", "delete", voice["_id"])
    assert (status, command.output) == (0, f"{voice['_id']} deleted\n")
    _, command = await run("voices", "list", "--cloned", "--json")
    assert voice["_id"] not in [one["_id"] for one in command.items]
