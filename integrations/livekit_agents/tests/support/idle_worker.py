"""The example agent as a worker that says it has nothing to do: the server gives a busy machine's
worker no job, and doesn't try again.
"""

from __future__ import annotations

from example_agent import server
from livekit.agents import cli

if __name__ == "__main__":
    server.load_fnc = lambda: 0.0
    cli.run_app(server)
