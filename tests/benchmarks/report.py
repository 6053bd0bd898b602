"""The table of figures, the machine they were taken on, and a plot of the ratios."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pyperf

__all__ = ["machine", "plot_svg", "print_table", "table"]

Result = Mapping[str, Any]

FONT = 'font-family="sans-serif" font-size="12"'
TITLE = "Time, memory or bytes, as a multiple of the counterpart's in the same run"


def machine() -> dict[str, Any]:
    """What pyperf says of this machine, without names that identify it."""
    known = pyperf.Run([1.0], collect_metadata=True).get_metadata()
    wanted = ("cpu_model_name", "cpu_count", "platform", "python_version", "load_avg_1min")
    return {name: known[name] for name in wanted if name in known}


def number(value: float | None) -> str:
    """Three significant digits, without an exponent."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(results: Iterable[Result]) -> list[list[str]]:
    """The cells of the table, a list per line, headings first."""
    rows = [["", "what", "ours", "counterpart", "ratio (spread)", "goal", "met"]]
    group = ""
    for result in results:
        before = len(rows)
        if result["skipped"] or result["failed"]:
            word = "failed" if result["failed"] else "skipped"
            rows.append(
                ["", result["name"], word, result["failed"] or result["skipped"], "", "", ""]
            )
        for line in result["lines"]:
            unit = f" {line['unit']}" if line["unit"] else ""
            other = line["counterpart"]
            ratio = "" if line["ratio"] is None else f"{line['ratio']:.2f}"
            if line["rounds"] > 1 and ratio:
                ratio += f" ({line['ratio_least']:.2f}–{line['ratio_greatest']:.2f})"
            rows.append(
                [
                    "",
                    line["what"],
                    number(line["ours"]) + unit,
                    "" if other is None else f"{number(other)}{unit} ({line['counterpart_name']})",
                    ratio,
                    line["goal"] or "printed",
                    {True: "met", False: "NOT MET", None: ""}[line["met"]],
                ]
            )
        if result["group"] != group:
            group = rows[before][0] = result["group"]
    return rows


def print_table(results: Sequence[Result], about: Mapping[str, Any]) -> None:
    """Prints a Markdown table, as `docs/performance.md` holds it."""
    rows = table(results)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for place, row in enumerate(rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"| {' | '.join(cells)} |")
        if place == 0:
            print(f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    for result in results:
        for note in result["notes"]:
            print(f"\n{result['name']}: {note}")
    print("\n" + ", ".join(f"{name} {value}" for name, value in about.items()))


def plot_svg(results: Sequence[Result]) -> str:
    """The ratios as bars with their spread, 1.0 marked: shorter is faster."""
    lines = [line for result in results for line in result["lines"] if line["ratio"] is not None]
    top = max((line["ratio_greatest"] for line in lines), default=1.0)
    scale, step, left = 520 / max(top, 1.2), 24, 380
    height = step * len(lines) + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="960" height="{height}" {FONT}>',
        f'<rect width="960" height="{height}" fill="white"/>',
        f'<text x="10" y="20" font-weight="bold">{TITLE}</text>',
    ]
    for place, line in enumerate(lines):
        y = 36 + place * step
        colour = {True: "#3a7d44", False: "#b3392f", None: "#777777"}[line["met"]]
        bar = line["ratio"] * scale
        low, high = (left + line[f"ratio_{end}"] * scale for end in ("least", "greatest"))
        parts += [
            f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(line["what"])}</text>',
            f'<rect x="{left}" y="{y}" width="{bar:.1f}" height="16" fill="{colour}"/>',
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 8}" y2="{y + 8}" stroke="black"/>',
            f'<text x="{high + 6:.1f}" y="{y + 12}">{line["ratio"]:.2f}</text>',
        ]
    one = left + scale
    parts.append(
        f'<line x1="{one:.1f}" x2="{one:.1f}" y1="30" y2="{height - 10}" stroke="black" '
        'stroke-dasharray="4"/></svg>'
    )
    return "\n".join(parts)
