"""The commands of `akool chat`: what they are called, take and do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from akool_async.stream import ACTIONS, EXPRESSIONS

__all__ = ["COMMANDS", "HELP", "ChatCommand", "completions"]


@dataclass(frozen=True, slots=True)
class ChatCommand:
    """One command.

    Attributes:
        name: with its slash.
        takes: its argument, for people; "" where it has none.
        does: what it does, for people.
        values: what the argument may be, where that is known.
    """

    name: str
    takes: str
    does: str
    values: tuple[str, ...] = ()


COMMANDS: Final = (
    ChatCommand("/interrupt", "", "the avatar stops speaking (Ctrl-C does the same; twice leaves)"),
    ChatCommand("/language", "CODE", "changes the language, for example /language en"),
    ChatCommand("/voice", "ID", "changes the voice"),
    ChatCommand("/mode", "1|2", "1: the avatar says what you type; 2: it answers", ("1", "2")),
    ChatCommand("/action", "NAME", " ".join((*ACTIONS, *EXPRESSIONS)), (*ACTIONS, *EXPRESSIONS)),
    ChatCommand("/help", "", "lists the commands"),
    ChatCommand("/quit", "", "closes the session and leaves (so does the end of input, Ctrl-D)"),
)

#: What /help prints.
HELP: Final = "\n".join(f"{one.name} {one.takes}".ljust(23) + one.does for one in COMMANDS)


def completions(text: str) -> Iterator[tuple[str, str, int]]:
    """What the text, up to the cursor, may go on with.

    Yields:
        A word, what it does, and how many characters before the cursor it replaces.
    """
    name, space, argument = text.partition(" ")
    for one in COMMANDS:
        if not space and one.name.startswith(name):
            yield one.name + (" " if one.takes else ""), one.does, len(name)
        elif space and one.name == name:
            for value in one.values:
                if value.startswith(argument):
                    yield value, "", len(argument)
