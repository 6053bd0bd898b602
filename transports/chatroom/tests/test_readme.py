"""The README's program runs as printed, and its table of options is the truth."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from pathlib import Path

from akool_chatroom import ChatRoomOptions

import akool_async
from akool_async.simulator import Simulator

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


async def test_the_program(monkeypatch, capsys):
    [program] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    source = f"async def main():\n{textwrap.indent(program, '    ')}"
    namespace = {"AkoolClient": akool_async.AkoolClient}
    exec(source, namespace)
    async with Simulator() as sim:
        monkeypatch.setenv("AKOOL_API_KEY", "any-key-of-the-readme")
        monkeypatch.setenv("AKOOL_API_URL", sim.url)
        await namespace["main"]()
        assert sim.open_sessions == []
    assert capsys.readouterr().out == "Hello! How can I assist you today?\n"


def test_options_and_their_defaults():
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| ([^|]+) \|", README, flags=re.MULTILINE)
    documented = {}
    for first, second in rows:
        names = re.findall(r"`([a-z_]+)`", first)
        values = second.replace("`", "").split(", ")
        if len(values) == len(names):
            documented |= dict(zip(names, values, strict=True))
    fields = {field.name: field.default for field in dataclasses.fields(ChatRoomOptions)}
    assert set(documented) == set(fields)
    for name, default in fields.items():
        shown = documented[name].replace(",", "")
        assert shown == (str(default) if not isinstance(default, float) else f"{default:g}"), name
