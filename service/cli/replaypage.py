"""A replay as one page: no script, nothing loaded from anywhere, so it can be mailed and kept."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from service.cli.replayplot import Series, flow, of_change, over_time

Json = dict[str, Any]

ORDER: Final = ("approved", "escalated", "incomplete", "denied", "refused")
_STYLE: Final = Path(__file__).with_name("replaypage.css")


def page(report: Json) -> str:
    """The page. Everything that comes from data is escaped."""
    title = f"What {report['candidate']['name']} would have decided"
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE.read_text('utf-8')}</style></head>",
            "<body><main>",
            *_head(report, title),
            *_cards(report),
            *_plots(report),
            *_moves(report),
            *_rules(report),
            *_sites(report),
            *_flips(report),
            *_foot(report),
            "</main></body></html>\n",
        ]
    )


def _head(report: Json, title: str) -> Iterator[str]:
    against = report["against"]
    name = against if isinstance(against, str) else f"{against['name']} {_short(against)}"
    yield f"<header><h1>{escape(title)}</h1><p>"
    yield f"Version <code>{_short(report['candidate'])}</code> against {escape(name)}"
    if report["decisions"]:
        yield f", {report['decisions']:,} decisions from {report['from'][:10]} to "
        yield f"{report['to'][:10]}"
    yield ".</p></header>"


def _short(policy: Json) -> str:
    return escape(str(policy["version"]).removeprefix("sha256:")[:12])


def _cards(report: Json) -> Iterator[str]:
    before, after, change = report["before"], report["after"], report["change"]
    share = 100 * report["flipped"] / report["decisions"] if report["decisions"] else 0
    yield '<section class="cards">'
    yield _card(
        f"money given, {escape(report['currency'])}",
        _grouped(after["money"]),
        f"{_signed(change['money'])} against {_grouped(before['money'])}",
    )
    yield _card(
        "sent upwards",
        f"{after['escalated']:,}",
        f"{_more(change['escalations'])} against {before['escalated']:,}",
    )
    yield _card(
        "hours waited",
        f"{after['waiting_hours']:,.0f}",
        f"{_more(round(change['waiting_hours']))} against {before['waiting_hours']:,.0f}",
    )
    yield _card("come out otherwise", f"{report['flipped']:,}", f"{share:.1f} % of all decisions")
    yield "</section>"


def _more(change: int) -> str:
    return f"{change:+,}".replace("-", "−")


def _card(name: str, value: str, below: str) -> str:
    return f"<div><h2>{name}</h2><b>{value}</b><span>{below}</span></div>"


def _plots(report: Json) -> Iterator[str]:
    months = report["months"]
    labels = [month["month"] for month in months]
    if len(labels) < 2:  # noqa: PLR2004 - one month is no line
        return
    for title, unit, key in (
        ("Money approved unasked, by month", report["currency"], "money"),
        ("Sent upwards, by month", "escalations", "escalated"),
    ):
        both = [
            Series(name=name, style=name, values=[float(it[name][key]) for it in months])
            for name in ("before", "after")
        ]
        yield f'<section><h2>{title}</h2><p class="legend"><i class="before"></i>before'
        yield '<i class="after"></i>after</p>'
        changes = [
            after - before for before, after in zip(*(it.values for it in both), strict=True)
        ]
        yield f"{over_time(labels, both, unit)}{of_change(labels, changes, unit)}</section>"


def _moves(report: Json) -> Iterator[str]:
    moves = {(it["before"], it["after"]): it["count"] for it in report["moves"]}
    drawn = flow(moves, ORDER)
    if drawn:
        yield "<section><h2>Where decisions go</h2>"
        yield '<p class="note">Left what was answered, right what would have been. '
        yield "Grey stays as it was.</p>"
        yield f"{drawn}</section>"


def _rules(report: Json) -> Iterator[str]:
    rows = [row for row in report["rules"] if row["before"] != row["after"]]
    if rows:
        yield "<section><h2>Rules that decide otherwise</h2>"
        yield from _compared("rule", rows)
        yield "</section>"


def _sites(report: Json) -> Iterator[str]:
    if len(report["sites"]) > 1:
        yield "<section><h2>Sites</h2>"
        yield from _compared("site", report["sites"])
        yield "</section>"


def _compared(name: str, rows: Sequence[Json]) -> Iterator[str]:
    most = max(
        (float(row[side]["money"]) for row in rows for side in ("before", "after")), default=0
    )
    yield "<table><thead><tr>"
    yield f"<th>{name}</th><th>approved</th><th>sent upwards</th><th>money</th><th></th>"
    yield "</tr></thead><tbody>"
    for row in rows:
        before, after = row["before"], row["after"]
        yield f"<tr><td><code>{escape(row[name])}</code></td>"
        for key in ("approved", "escalated"):
            yield f"<td>{_pair(f'{before[key]:,}', f'{after[key]:,}')}</td>"
        yield f"<td>{_pair(_grouped(before['money']), _grouped(after['money']))}</td>"
        yield f"<td class='bars'>{_bar(before['money'], most, 'before')}"
        yield f"{_bar(after['money'], most, 'after')}</td></tr>"
    yield "</tbody></table>"


def _pair(before: str, after: str) -> str:
    if before == after:
        return f"<s>{before}</s>"
    return f"<s>{before}</s><em>{after}</em>"


def _bar(money: str, most: float, style: str) -> str:
    share = 100 * float(money) / most if most else 0
    return f'<i class="{style}" style="width:{share:.1f}%"></i>'


def _flips(report: Json) -> Iterator[str]:
    listed = report["flips"]
    if not listed:
        return
    yield f"<section><h2>Decisions that come out otherwise</h2><p class='note'>{_said(report)}</p>"
    yield "<table class='flips'><thead><tr><th>entry</th><th>when</th><th>site</th>"
    yield "<th>resolution</th><th>value</th><th>before</th><th>after</th></tr></thead><tbody>"
    for flip in listed:
        yield f"<tr><td><code>{escape(flip['entry'])}</code></td>"
        yield f"<td>{escape(flip['at'][:16].replace('T', ' '))}</td>"
        yield f"<td>{escape(flip['site'])}</td><td>{escape(flip['resolution'])}</td>"
        yield f"<td>{_grouped(flip['value'])}</td>"
        yield f"<td>{_verdict(flip['before'])}</td><td>{_verdict(flip['after'])}</td></tr>"
    yield "</tbody></table></section>"


def _said(report: Json) -> str:
    listed = len(report["flips"])
    if listed == report["flipped"]:
        return f"All {listed:,}, in the order of time."
    return f"The {listed:,} of the largest value among {report['flipped']:,}, in the order of time."


def _verdict(verdict: Json) -> str:
    outcome = escape(verdict["outcome"])
    told = verdict["role"] if outcome == "escalated" else verdict["rule"]
    return f'<span class="outcome {outcome}">{outcome}</span> {escape(told or "")}'


def _foot(report: Json) -> Iterator[str]:
    yield "<footer><p>"
    for text, count in report["notes"].items():
        yield f"{escape(text)} ({count:,}×). "
    if report["after"]["waiting_unknown"] or report["before"]["waiting_unknown"]:
        yield "Some escalations have no deadline and no answer; the hours leave them out. "
    yield "Budgets were carried from decision to decision on each side. Hours are those that "
    yield "answers took; where nobody answered, what answers of that role took, or else the time "
    yield f"in which it has to answer. Made on {escape(report['how'])}.</p></footer>"


def _grouped(money: str) -> str:
    """``1234567.50`` as ``1,234,567.50``."""
    sign = "−" if money.startswith("-") else ""
    whole, dot, part = money.lstrip("+-").partition(".")
    return f"{sign}{int(whole):,}{dot}{part}"


def _signed(money: str) -> str:
    return ("+" if money.startswith("+") else "") + _grouped(money)
