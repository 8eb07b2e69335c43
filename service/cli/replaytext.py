"""A replay for people who read it in a terminal."""

from collections.abc import Iterator, Sequence
from typing import Any

Json = dict[str, Any]

_SIDES = (
    ("approved unasked", "approved"),
    ("escalated", "escalated"),
    ("denied", "denied"),
    ("incomplete", "incomplete"),
    ("refused", "refused"),
    ("approved by somebody above", "answered"),
)


def lines(report: Json, flips_shown: int) -> Iterator[str]:
    """Both sides beside each other; then rules that decide otherwise, and decisions."""
    yield from _head(report)
    yield ""
    yield from _table(("", "before", "after", "change"), list(_totals(report)))
    rules = list(_rules(report["rules"]))
    if rules:
        yield ""
        yield from _table(
            ("rule", "approved", "after", "escalated", "after", "money", "after"), rules
        )
    yield from _flips(report, flips_shown)
    for text, count in report["notes"].items():
        yield f"{text} ({count}×)"


def _head(report: Json) -> Iterator[str]:
    against = report["against"]
    name = against if isinstance(against, str) else _named(against)
    yield f"{_named(report['candidate'])} against {name}"
    if report["decisions"]:
        yield (
            f"{report['decisions']:,} decisions from {report['from'][:10]} to {report['to'][:10]}, "
            f"{report['flipped']:,} otherwise ({report['how']})"
        )
    else:
        yield "No decision lies in this window."


def _named(policy: Json) -> str:
    return f"{policy['name']} {policy['version'].removeprefix('sha256:')[:12]}"


def _totals(report: Json) -> Iterator[tuple[str, ...]]:
    before, after, currency = report["before"], report["after"], report["currency"]
    for name, key in _SIDES:
        if before[key] or after[key]:
            change = after[key] - before[key]
            yield name, f"{before[key]:,}", f"{after[key]:,}", f"{change:+,}" if change else "–"
    change = report["change"]
    yield f"money, {currency}", before["money"], after["money"], change["money"]
    hours = change["waiting_hours"]
    yield (
        "hours waited",
        f"{before['waiting_hours']:,}",
        f"{after['waiting_hours']:,}",
        f"{hours:+,}" if hours else "–",
    )


def _rules(rows: Sequence[Json]) -> Iterator[tuple[str, ...]]:
    """The rules that decided otherwise."""
    for row in rows:
        before, after = row["before"], row["after"]
        if before != after:
            yield (
                row["rule"],
                f"{before['approved']:,}",
                f"{after['approved']:,}",
                f"{before['escalated']:,}",
                f"{after['escalated']:,}",
                before["money"],
                after["money"],
            )


def _flips(report: Json, shown: int) -> Iterator[str]:
    listed = report["flips"]
    if not listed:
        return
    yield ""
    yield f"The {min(shown, len(listed))} largest of {report['flipped']:,} that come out otherwise"
    largest = sorted(listed, key=lambda it: -float(it["value"]))[:shown]
    rows = [
        (
            it["entry"],
            it["at"][:16],
            it["site"],
            it["resolution"],
            it["value"],
            f"{_verdict(it['before'])} → {_verdict(it['after'])}",
        )
        for it in largest
    ]
    yield from _table(("entry", "at", "site", "resolution", "value", "outcome"), rows)


def _verdict(verdict: Json) -> str:
    to = f" to {verdict['role']}" if verdict["outcome"] == "escalated" else ""
    rule = f" by {verdict['rule']}" if verdict["outcome"] == "approved" else ""
    return f"{verdict['outcome']}{to}{rule}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell; numbers to the right."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(head))]
    numeric = [all(_is_number(row[place]) for row in rows) for place in range(len(head))]
    for line in cells:
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        yield "  ".join(padded).rstrip()


def _is_number(cell: str) -> bool:
    return cell == "–" or cell.strip("+-").replace(",", "").replace(".", "").isdigit()
