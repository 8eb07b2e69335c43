"""A trial as text: what was decided, and how both sets compare."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from service.cli.render import counted, entries

Json = Mapping[str, Any]

_ENDS: Final[Mapping[str, str]] = {
    "by_hand": "{ended_by} ended it",
    "time_is_up": "its time was up",
    "superseded": "another policy was put in force",
    "money_approved": "its guardrail ended it: the money approved",
    "money_approved_in_a_day": "its guardrail ended it: the money approved in one day",
    "escalation_rate": "its guardrail ended it: the share of escalations",
}
_OUTCOMES: Final = ("approved", "escalated", "denied", "incomplete", "refused")
_RULES_SHOWN: Final = 20


def trial_lines(trial: Json, flips: int) -> Iterator[str]:
    """Every line; at most so many of the last flips."""
    yield f"{trial['name']} {trial['version']}"
    yield f"  a {trial['mode']}{_scope(trial)}, {_state(trial)}"
    yield f"  beside {trial['beside']}"
    if trial["decided"] is not None:
        yield from _decided(trial)
    if trial["compared"] is not None:
        yield from _compared(trial["compared"], flips)


def _scope(trial: Json) -> str:
    sites, share = trial["sites"], trial["share_percent"]
    of = "" if share is None else f" for {share} % of guests"
    return of if sites is None else f"{of} at {', '.join(sites)}"


def _state(trial: Json) -> str:
    if trial["state"] == "requested":
        return f"asked for by {trial['requested_by']}, waits for a second person"
    if trial["state"] == "running":
        until = "" if trial["ends_at"] is None else f", until {trial['ends_at']}"
        return f"running since {trial['started_at']}{until}"
    return f"ended {trial['ended_at']}: {_ENDS[trial['reason']].format_map(trial)}"


def _decided(trial: Json) -> Iterator[str]:
    """What a pilot did, beside what would end it."""
    decided, bounds = trial["decided"], trial["guardrail"]
    yield f"decided: {counted(decided['decisions'], 'decision')}"
    yield f"  {decided['approved']} approved{_of(bounds['approved'])}"
    yield f"  {decided['approved_on_last_day']} on its last day{_of(bounds['approved_a_day'])}"
    rate = bounds["escalated_percent"]
    after = bounds["after_decisions"]
    at_most = "" if rate is None else f" (ends above {rate} % of {after} or more)"
    yield f"  {decided['escalated']} escalated{at_most}"


def _of(bound: str | None) -> str:
    return "" if bound is None else f" (ends at {bound})"


def _compared(found: Json, flips: int) -> Iterator[str]:
    decisions = counted(found["decisions"], "decision")
    yield f"compared: {decisions}, {found['flipped']} come out otherwise"
    yield f"  {'':<12}{'in force':>14}{'candidate':>14}"
    live, candidate = found["live"], found["candidate"]
    for name in _OUTCOMES:
        if live[name] or candidate[name]:
            yield f"  {name:<12}{live[name]:>14}{candidate[name]:>14}"
    yield f"  {'money':<12}{live['money']:>14}{candidate['money']:>14}"
    yield f"  money: {found['approved_more']} more, {found['approved_less']} less"
    yield f"  escalations: {found['escalations_more']} more, {found['escalations_less']} less"
    for move in found["moves"]:
        yield f"  {move['live']} → {move['candidate']}: {move['decisions']}, worth {move['value']}"
    yield from _rules(found["rules"])
    for flip in found["last_flips"][:flips]:
        yield f"  {_flip(flip)}"
    yield from _unfinished(found)


def _rules(rules: list[Json]) -> Iterator[str]:
    """Those that determine more or less than before."""
    changed = [rule for rule in rules if rule["live"] != rule["candidate"]]
    for rule in changed[:_RULES_SHOWN]:
        live, candidate = rule["live"], rule["candidate"]
        was = f"{live['decisions']} ({live['money']})"
        yield f"  {rule['rule']}: {was} → {candidate['decisions']} ({candidate['money']})"
    if len(changed) > _RULES_SHOWN:
        yield f"  and {len(changed) - _RULES_SHOWN} more rules: --format json"


def _flip(flip: Json) -> str:
    live, candidate = flip["live"], flip["candidate"]
    was, would = (f"{one['outcome']} ({one['rule'] or '-'})" for one in (live, candidate))
    return f"{flip['entry']} {flip['site']} {flip['resolution']} {flip['value']}: {was} → {would}"


def _unfinished(found: Json) -> Iterator[str]:
    if found["failed"]:
        yield f"  {found['failed']} could not be decided again"
    if found["entries_left"]:
        yield f"  {entries(found['entries_left'])} of the log not looked at yet"
    for note in found["notes"]:
        yield f"  note: {note['note']} ({counted(note['times'], 'time')})"
