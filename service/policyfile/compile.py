"""A draft to a rulebook: everything that is only known once all files are read together."""

from dataclasses import replace
from datetime import UTC, time, tzinfo

from service.core.money import CURRENCY_DECIMALS
from service.core.rulebook import Rulebook, Site
from service.core.window import Calendar
from service.policyfile.cutshort import find_cut_sentence
from service.policyfile.digest import digest_rules
from service.policyfile.document import CalendarDocument, SiteDocument
from service.policyfile.draft import Draft
from service.policyfile.facts import check_subject, compile_facts
from service.policyfile.formula import Formulas, MakeEnvironment
from service.policyfile.place import Entry
from service.policyfile.problem import Problem, is_error
from service.policyfile.reference import References
from service.policyfile.resolutions import compile_resolutions
from service.policyfile.roles import compile_roles
from service.policyfile.rules import RuleCompiler
from service.policyfile.terms import WEEKDAYS

_CURRENCY_TO_GO_ON_WITH = "USD"


def compile_draft(
    draft: Draft, *, version: str, make_environment: MakeEnvironment, found: list[Problem]
) -> Rulebook | None:
    """The rulebook; None where ``found`` holds an error, of this step or of one before it."""
    currency = draft.currency.value if draft.currency else _CURRENCY_TO_GO_ON_WITH
    decimals = CURRENCY_DECIMALS[currency]
    timezone, zone = _timezone(draft)
    facts = compile_facts(draft, found)
    environment = make_environment(facts=facts, currency=currency, decimals=decimals)
    unsound = frozenset(draft.declared["facts"]) - frozenset(facts)
    formulas = Formulas(environment, decimals, unsound, found)
    formulas.prepare(draft)
    compiler = RuleCompiler(draft, facts, formulas, References(draft, found), found)
    compiler.check_ids()
    _check_header(draft, found)
    rulebook = Rulebook(
        name=draft.name.value if draft.name else "",
        version=version,
        rules="",
        currency=currency,
        decimals=decimals,
        timezone=timezone,
        zone=zone,
        bind=environment.bind,
        roles=compile_roles(draft, found),
        resolutions=compile_resolutions(draft, formulas, found),
        facts=facts,
        grants=compiler.grants(),
        budgets=compiler.budgets(),
        prohibitions=compiler.prohibitions(),
        escalation=compiler.escalation(),
        sites=_sites(draft, timezone, zone),
        rates={code: entry.value for code, entry in draft.rates.items()},
        subject=draft.subject.value if draft.subject else None,
        calendar=_calendar(draft.calendar),
        description=draft.description.value.strip() if draft.description else "",
    )
    if any(is_error(problem) for problem in found):
        return None
    return replace(rulebook, rules=digest_rules(rulebook))


def _timezone(draft: Draft) -> tuple[str, tzinfo]:
    if draft.timezone is None:
        return "UTC", UTC
    return draft.timezone.value.key, draft.timezone.value


def _check_header(draft: Draft, found: list[Problem]) -> None:
    check_subject(draft, found)
    if draft.description is not None:
        cut = find_cut_sentence(draft.description.place)
        if cut is not None:
            found.append(cut)
    if draft.currency is not None and draft.currency.value in draft.rates:
        found.append(
            draft.rates[draft.currency.value].place.problem(
                "rate_of_own_currency",
                f"{draft.currency.value} is the currency of the set itself.",
                "Delete this rate.",
                on_key=True,
            )
        )


def _sites(draft: Draft, timezone: str, zone: tzinfo) -> dict[str, Site] | None:
    if not draft.declared["sites"]:
        return None
    return {name: _site(name, entry, timezone, zone) for name, entry in draft.sites.items()}


def _site(name: str, entry: Entry[SiteDocument], timezone: str, zone: tzinfo) -> Site:
    own = entry.value.timezone
    return Site(
        id=name,
        timezone=own.key if own else timezone,
        zone=own or zone,
        hours=entry.value.hours,
    )


def _calendar(entry: Entry[CalendarDocument] | None) -> Calendar:
    if entry is None:
        return Calendar()
    document = entry.value
    return Calendar(
        day_starts=document.day_starts or time(0),
        week_starts=WEEKDAYS.index(document.week_starts or "monday"),
        year_starts=document.year_starts or (1, 1),
    )
