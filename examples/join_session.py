"""Joins a session that a backend has opened, from the JSON of its answer.

The backend keeps the account's key, and closes the session; this program needs neither.

    python examples/join_session.py session.json "Hello"

The file holds `data` of session/create's answer, or `session.to_dict(include_secrets=True)`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import akool_async


async def main(session: dict[str, Any], question: str) -> None:
    async with akool_async.join(session) as avatar:
        reply = await avatar.ask(question)
        print(reply.text)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    session = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    akool_async.run(main(session, sys.argv[2]))
