"""Runs the benchmarks of this folder and prints one table; `nox -s bench` calls it."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from real_livekit import CannotBuildError, build

from framework import ROWS, Bench, Row, SkipRow
from report import machine, plot_svg, print_table

FOLDER = Path(__file__).parent


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
        if not options.only or options.only.lower() in f"{row.group} {row.name}".lower()
    ]
    if not wanted:
        parser.error(f"no benchmark's name or group contains {options.only!r}")
    if options.list:
        for row in wanted:
            print(f"{row.group}: {row.name}")
        return 0
    if any(row.needs_livekit_server for row in wanted):
        _build_livekit_server()
    results = []
    for number, row in enumerate(wanted, 1):
        print(f"[{number}/{len(wanted)}] {row.group}: {row.name}", file=sys.stderr)
        results.append(in_own_process(row, rounds=options.rounds))
    if options.json:
        print(json.dumps({"machine": machine(), "rows": results}, indent=2))
    else:
        print_table(results, machine())
    if options.plot:
        Path(options.plot).write_text(plot_svg(results), encoding="utf-8")
    broken = any(result["failed"] for result in results)
    missed = any(line["met"] is False for result in results for line in result["lines"])
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
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=row.limit, check=False
        )
    except subprocess.TimeoutExpired:
        return _result(row, failed=f"no result within {row.limit:g} s")
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        print(done.stderr, file=sys.stderr)
        return _result(row, failed=last[0])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


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
