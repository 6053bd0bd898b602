async def test_from_making_to_deleting(run):
    status, command = await run("knowledge", "create", "Tea", "--prompt", "You sell tea.")
    assert status == 0
    made = command.output.strip()
    status, command = await run("knowledge", "show", made, "--json")
    assert command.items[0]["prompt"] == "You sell tea."
    status, command = await run("knowledge", "update", made, "--prompt", "You sell coffee.")
    assert (status, command.output) == (0, f"{made} changed\n")
    status, command = await run("knowledge", "show", made)
    assert "prompt: You sell coffee.\n" in command.output
    assert "name: Tea\n" in command.output
    status, command = await run("knowledge", "list")
    assert "Tea" in command.output
    status, command = await run("knowledge", "delete", made, "--json")
    assert (status, command.items) == (0, [{"_id": made, "deleted": True}])
    status, command = await run("knowledge", "show", made)
    assert status == 4
    assert "1232" in command.errors
    assert command.errors.endswith("To list those that there are: akool knowledge list.\n")


async def test_a_refused_value_names_the_field(run, akool_simulator):
    status, command = await run("knowledge", "create", "x" * 101)
    assert status == 2
    assert command.errors.startswith("akool: name: ")
    status, command = await run("knowledge", "create", "x" * 101, "--json")
    assert status == 2
    assert command.error["field"] == "name"
    assert not akool_simulator.requests
