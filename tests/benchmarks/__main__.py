"""Runs the benchmarks of this folder and prints one table; `nox -s bench` calls it.

Stopped by Ctrl-C or SIGTERM, it prints the rows that it has, and ends with status 130.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from real_livekit import CannotBuildError, build

from framework import ROWS, Bench, Row, SkipRow
from report import machine, plot_svg, print_table

FOLDER = Path(__file__).parent
#: What a benchmark that is stopped gets to stop what it started, seconds.
_END_SECONDS = 15


def main() -> int:
    """The exit status: 0 whatever the figures, 1 for a row that broke or, `--strict`, a miss."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="rows whose name or group contains NAME")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the ratios, too")
    parser.add_argument("--rounds", type=int, help="ABAB rounds (as many as each row needs)")
    parser.add_argument("--list", action="store_true", help="names of the rows, and no more")
    parser.add_argument("--measure", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plot and Path(options.plot).suffix.lower() != ".svg":
        parser.error("--plot writes SVG: give a name that ends in .svg")
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds: at least 1")
    for file in sorted(FOLDER.glob("bench_*.py")):
        importlib.import_module(file.stem)
    if options.measure:
        print(json.dumps(measure(ROWS[options.measure], rounds=options.rounds)))
        return 0
    wanted = [
        row
        for row in ROWS.values()
        if not options.only or options.only.lower() in f"{row.group}: {row.name}".lower()
    ]
    if not wanted:
        parser.error(f"no benchmark's name or group contains {options.only!r}")
    if options.list:
        for row in wanted:
            print(f"{row.group}: {row.name}")
        return 0
    if any(row.needs_livekit_server for row in wanted):
        _build_livekit_server()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results: list[dict[str, Any]] = []
    stopped = False
    try:
        for number, row in enumerate(wanted, 1):
            print(f"[{number}/{len(wanted)}] {row.group}: {row.name}", end="", file=sys.stderr)
            sys.stderr.flush()
            begun = time.monotonic()
            results.append(in_own_process(row, rounds=options.rounds))
            print(f" ({time.monotonic() - begun:.0f} s)", file=sys.stderr)
    except KeyboardInterrupt:
        stopped = True
        print(f"\nstopped after {len(results)} of {len(wanted)} benchmarks", file=sys.stderr)
    if options.json:
        print(json.dumps({"machine": machine(), "rows": results}, indent=2))
    else:
        print_table(results, machine())
    if options.plot:
        Path(options.plot).write_text(plot_svg(results), encoding="utf-8")
    broken = any(result["failed"] for result in results)
    missed = any(line["met"] is False for result in results for line in result["lines"])
    if stopped:
        return 130
    return 1 if broken or (options.strict and missed) else 0


def _build_livekit_server() -> None:
    """The rows over a real server run in every bench; where none can be built, this says so."""
    try:
        build()
    except CannotBuildError as error:
        print(f"WITHOUT the rows over a real livekit-server: {error}", file=sys.stderr)


def measure(row: Row, *, rounds: int | None) -> dict[str, Any]:
    """Runs one benchmark in this process."""
    bench = Bench(row, rounds=rounds)
    skipped = None
    try:
        if inspect.iscoroutinefunction(row.measure):
            asyncio.run(row.measure(bench))
        else:
            row.measure(bench)
        if not bench.lines:
            raise RuntimeError(f"the benchmark {row.name!r} recorded nothing")
    except SkipRow as reason:
        skipped = str(reason)
    lines = [line.to_dict() for line in bench.lines.values()]
    return _result(row, lines=lines, notes=bench.notes, skipped=skipped)


def in_own_process(row: Row, *, rounds: int | None) -> dict[str, Any]:
    """Runs one benchmark in a fresh interpreter, within its time limit."""
    command = [sys.executable, str(FOLDER), "--measure", row.name]
    if rounds is not None:
        command += ["--rounds", str(rounds)]
    pipe = subprocess.PIPE
    # Ctrl-C reaches it only through `_end`, which lets it clean up.
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            said, complaints = process.communicate(timeout=row.limit)
        except subprocess.TimeoutExpired:
            _end(process)
            return _result(row, failed=f"no result within {row.limit:g} s")
        except KeyboardInterrupt:
            _end(process)
            raise
    if process.returncode:
        last = complaints.strip().splitlines()[-1:] or [f"exit status {process.returncode}"]
        print(complaints, file=sys.stderr)
        return _result(row, failed=last[0])
    result: dict[str, Any] = json.loads(said.splitlines()[-1])
    return result


def _end(process: subprocess.Popen[str]) -> None:
    """Lets a benchmark stop the servers that it started; kills one that doesn't end."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _result(
    row: Row,
    *,
    lines: list[dict[str, Any]] | None = None,
    notes: list[str] | None = None,
    skipped: str | None = None,
    failed: str | None = None,
) -> dict[str, Any]:
    return {
        "name": row.name,
        "group": row.group,
        "lines": lines or [],
        "notes": notes or [],
        "skipped": skipped,
        "failed": failed,
    }


if __name__ == "__main__":
    sys.exit(main())
