"""The guard that looks for secrets in what was logged."""

from __future__ import annotations

from guards import secrets


def test_a_line_that_comes_while_lines_are_looked_at_is_for_the_next_look(monkeypatch):
    class Logs(str):
        """A line whose reading has another thread log one."""

        __slots__ = ()

        def __contains__(self, part: str) -> bool:
            lines.add(f"logged beside it {len(lines)}")
            return str.__contains__(self, part)

    lines: set[str] = {Logs("key k-123 was used"), Logs("nothing here")}
    monkeypatch.setattr(secrets, "_secrets", {"k-123"})
    assert secrets._handle(lines) == ["key <the secret> was used"]
    assert len(lines) == 4
