import json
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from framework import Bench, Row, SkipRow, at_least, at_most, at_most_times, percentile
from report import plot_svg, table

FOLDER = Path(__file__).parent


def make_row(**changes):
    fields = {
        "name": "a row",
        "group": "test",
        "unit": "ms",
        "units": {},
        "counterpart": "theirs",
        "goal": at_most_times(2.0),
        "limit": 10.0,
        "measure": lambda bench: None,
    }
    return Row(**(fields | changes))


def test_ratio_is_the_median_of_the_rounds_ratios():
    bench = Bench(make_row())
    for ours, theirs in ((1.0, 1.0), (9.0, 3.0), (4.0, 2.0)):
        bench.record(ours=ours, counterpart=theirs)
    line = bench.lines[""].to_dict()
    assert (line["ratio"], line["ratio_least"], line["ratio_greatest"]) == (2.0, 1.0, 3.0)
    assert line["met"] is True
    assert line["ours"] == 4.0


@pytest.mark.parametrize(
    ("goal", "ours", "theirs", "met"),
    [
        (at_most_times(1.1), 1.2, 1.0, False),
        (at_most_times(1.1), 1.0, None, False),
        (at_most(20.0), 20.0, None, True),
        (at_most(20.0), 20.5, None, False),
        (at_least(1000), 999, None, False),
        (at_least(1000), 1000, None, True),
        (None, 1.0, None, None),
    ],
)
def test_goal(goal, ours, theirs, met):
    bench = Bench(make_row(goal=goal))
    bench.record(ours=ours, counterpart=theirs)
    assert bench.lines[""].met is met


def test_goals_and_units_by_part():
    row = make_row(goal={"bytes": at_most(5)}, units={"bytes": "B"})
    bench = Bench(row)
    bench.record("bytes", ours=6)
    bench.record("seconds", ours=6)
    assert bench.lines["bytes"].met is False
    assert bench.lines["bytes"].unit == "B"
    assert bench.lines["seconds"].met is None
    assert bench.lines["seconds"].unit == "ms"


def test_time_takes_turns():
    calls = []
    bench = Bench(make_row(), rounds=3, batch=1e-9)
    bench.time(lambda: calls.append("A"), lambda: calls.append("B"))
    # A batch of one call each once the number of loops is found: the last six are the rounds.
    assert calls[-6:] == ["A", "B", "A", "B", "A", "B"]
    assert len(bench.lines[""].rounds) == 3


async def test_latency_makes_a_line_per_percentile():
    async def call():
        return None

    bench = Bench(make_row(), rounds=2)
    await bench.latency(call, call, count=20)
    assert list(bench.lines) == ["p50", "p99"]
    assert bench.lines["p99"].to_dict()["what"] == "a row: p99"
    assert len(bench.lines["p99"].rounds) == 2


async def test_memory_each_counts_what_is_kept():
    bench = Bench(make_row())
    assert 10_000 < await bench.memory_each(lambda: bytearray(10_000), count=20) < 11_000


def test_percentile_is_the_nearest_rank():
    values = list(range(1, 101))
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile(values, 100) == 100
    assert percentile([3.0], 99) == 3.0


def test_skip_ends_the_row():
    with pytest.raises(SkipRow, match="no Go here"):
        Bench(make_row()).skip("no Go here")


def results():
    bench = Bench(make_row(name="a <row>"))
    bench.record(ours=1.0, counterpart=2.0)
    bench.record(ours=3.0, counterpart=2.0)
    common = {"group": "test", "notes": []}
    return [
        common | {"name": "a <row>", "lines": [bench.lines[""].to_dict()], "skipped": None,
                  "failed": None},
        common | {"name": "broken", "lines": [], "skipped": None, "failed": "boom"},
    ]  # fmt: skip


def test_table_has_a_line_per_figure_and_per_failure():
    head, figure, failed = table(results())
    assert head[-2:] == ["goal", "met"]
    assert figure == [
        "test",
        "a <row>",
        "2 ms",
        "2 ms (theirs)",
        "1.00 (0.50–1.50)",
        "≤ 2 ×",
        "met",
    ]
    assert failed[:4] == ["", "broken", "failed", "boom"]


def test_plot_is_well_formed():
    root = ElementTree.fromstring(plot_svg(results()))
    assert "a <row>" in "".join(root.itertext())


@pytest.mark.slow
def test_command_line_measures_in_other_processes_until_it_is_stopped(tmp_path):
    plot = tmp_path / "plot.svg"
    command = [sys.executable, str(FOLDER), "--only", "memory", "--rounds", "1", "--json"]
    with subprocess.Popen(
        [*command, "--plot", str(plot)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        progress = ""
        while "[2/" not in progress:
            progress += (more := process.stderr.read(1))
            assert more, progress
        process.send_signal(signal.SIGTERM)
        said, complaints = process.communicate(timeout=300)
    assert process.returncode == 130, complaints
    (result,) = json.loads(said)["rows"]
    assert result["failed"] is None
    assert result["lines"][0]["ours"] > 0
    assert plot.read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot", "x.gif"], "SVG"),
        (["--only", "nothing of this name"], "no benchmark"),
        (["--rounds", "0"], "at least 1"),
    ],
)
def test_command_line_refuses(arguments, message):
    done = subprocess.run(
        [sys.executable, str(FOLDER), *arguments], capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 2
    assert message in done.stderr
