import pytest


@pytest.fixture
def akool_simulator_options():
    return {"credits": 123.5}


async def test_credits(run):
    status, command = await run("account")
    assert (status, command.output) == (0, "credits: 123.5\n")
    _, command = await run("account", "--json")
    assert command.items == [{"credits": 123.5}]


async def test_languages(run):
    status, command = await run("languages")
    assert status == 0
    assert command.output.split()[:2] == ["lang_code", "lang_name"]
    _, command = await run("languages", "--json")
    assert {"lang_code", "lang_name"} <= set(command.items[0])
