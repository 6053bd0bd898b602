import pytest

from akool_async.cli.chat_commands import COMMANDS, HELP, completions
from akool_async.stream import ACTIONS, EXPRESSIONS


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/", [one.name + (" " if one.takes else "") for one in COMMANDS]),
        ("/qu", ["/quit"]),
        ("/action ", [*ACTIONS, *EXPRESSIONS]),
        ("/action no", ["nod"]),
        ("/mode ", ["1", "2"]),
        ("/language e", []),
        ("/nonsense", []),
        ("hello /q", []),
    ],
)
def test_completions(text, found):
    assert [word for word, _, _ in completions(text)] == found


def test_a_completion_replaces_its_own_beginning():
    assert [length for _, _, length in completions("/action no")] == [2]
    assert [length for _, _, length in completions("/qu")] == [3]


def test_the_help_has_a_line_for_each_command():
    assert [line.split()[0] for line in HELP.splitlines()] == [one.name for one in COMMANDS]
