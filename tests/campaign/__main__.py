"""A campaign against the library: lives, conversations, malformed input, overload, restarts.

    python tests/campaign [--minutes 10] [--seed N]
    python tests/campaign lives --seed 17 --once       # one part, one seed: a violation again

`nox -s campaign -- --minutes 30` runs it; docs/reliability.md has the last full run. Prints the
seeds, what was counted and every violation with the arguments that show it again; exits with 1 if
there was one.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support"), str(HERE.parent / "fuzz")]

import conversations  # noqa: E402
import lives  # noqa: E402
import malformed  # noqa: E402
import overload  # noqa: E402
import restarts  # noqa: E402
from findings import Report  # noqa: E402

#: Each part, and its share of the time.
PARTS: Final[dict[str, tuple[Callable[..., Any], float]]] = {
    "lives": (lives.run, 0.4),
    "conversations": (conversations.run, 0.35),
    "malformed": (malformed.run, 0.15),
    "overload": (overload.run, 0.05),
    "restarts": (restarts.run, 0.05),
}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("part", nargs="?", choices=PARTS, help="one part alone")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all of it")
    parser.add_argument("--seed", type=int, default=None, help="of the first batch")
    parser.add_argument("--once", action="store_true", help="one batch of each part")
    given = parser.parse_args()
    # It reports details of its own signalling; failures that matter are raised.
    logging.getLogger("livekit").setLevel(logging.ERROR)
    seed = int(time.time()) % 1_000_000 if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    violations = 0
    for name, (run, share) in PARTS.items():
        if given.part not in (None, name):
            continue
        seconds = given.minutes * 60 * (share if given.part is None else 1.0)
        began = time.monotonic()
        result = run(seconds, seed, once=given.once)
        report: Report = asyncio.run(result) if inspect.iscoroutine(result) else result
        report.judge_memory(f"{name} --seed {seed} --minutes {seconds / 60:.1f}")
        print(f"{report}; {time.monotonic() - began:.0f} s", flush=True)
        for violation in report.violations[:50]:
            print(f"  {violation}", flush=True)
        violations += len(report.violations)
    print(f"{violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
