"""Facts and who is served: declarations checked, and turned into what the core knows."""

from collections.abc import Iterable

from service.core.rulebook import Fact, FactType
from service.policyfile.document import FactDocument
from service.policyfile.draft import Draft
from service.policyfile.place import Entry, Place
from service.policyfile.problem import Problem
from service.policyfile.suggestion import suggest

BUILT_IN_NAMES = frozenset(
    {
        *("request", "agent", "site", "now"),
        *("known", "money", "percent", "times", "least", "greatest", "date", "days"),
    }
)
"""First names that Remit itself gives a meaning: a fact cannot begin with one."""

# CEL specification, "Syntax": RESERVED and the literals, and the names of its types.
RESERVED_WORDS = frozenset(
    (
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if"),
        *("import", "in", "let", "loop", "namespace", "null", "package", "return", "true"),
        *("var", "void", "while"),
    )
)
_TYPE_NAMES = frozenset(
    (
        *("bool", "bytes", "double", "duration", "dyn", "google", "int", "list", "map"),
        *("null_type", "string", "timestamp", "type", "uint"),
    )
)


def compile_facts(draft: Draft, found: list[Problem]) -> dict[str, Fact]:
    """The sound declarations, in the order of the files."""
    facts: dict[str, Fact] = {}
    longer = _longer_paths(draft.facts)
    for path, entry in draft.facts.items():
        problems = [*_path_problems(path, entry.place), *_key_problems(entry)]
        if path in longer:
            problems.append(_prefix(path, longer[path], entry.place))
        found.extend(problems)
        if not problems:
            facts[path] = _fact(path, entry.value)
    return facts


def check_subject(draft: Draft, found: list[Problem]) -> None:
    """A set with personal facts says who is served, by a personal text."""
    personal = [entry for entry in draft.facts.values() if entry.value.personal]
    if draft.subject is None:
        if personal and "subject" not in draft.declared:
            found.append(_missing_subject(personal[0].place))
        return
    place, path = draft.subject.place, draft.subject.value
    if path not in draft.declared["facts"]:
        found.append(
            place.problem(
                "unknown_fact",
                f"No fact `{path}` is declared.",
                suggest(path, draft.declared["facts"]),
            )
        )
        return
    entry = draft.facts.get(path)
    if entry is None:
        return
    if entry.value.type is not FactType.TEXT or not entry.value.personal:
        found.append(
            place.problem(
                "subject_not_personal",
                f"`{path}` is not a personal text, so it could not be erased.",
                f"Declare it so: `{path}: {{type: text, personal: true}}`.",
            )
        )


def _missing_subject(place: Place) -> Problem:
    return place.problem(
        "missing_subject",
        "A set with personal facts must say who is served.",
        "Name the fact that identifies the person: `subject: guest.id`.",
        on_key=True,
    )


def _fact(path: str, document: FactDocument) -> Fact:
    return Fact(
        path=path,
        type=document.type,
        personal=document.personal,
        optional=document.optional,
        choices=tuple(document.of or ()),
        least=document.least,
        most=document.most,
    )


def _longer_paths(paths: Iterable[str]) -> dict[str, list[str]]:
    """For each beginning of a path, the paths that begin so."""
    longer: dict[str, list[str]] = {}
    for path in paths:
        names = path.split(".")
        for length in range(1, len(names)):
            longer.setdefault(".".join(names[:length]), []).append(path)
    return longer


def _prefix(path: str, longer: list[str], place: Place) -> Problem:
    more = f" and {len(longer) - 1} more" if len(longer) > 1 else ""
    return place.problem(
        "fact_prefix",
        f"`{path}` cannot be a value and also hold `{longer[0]}`{more}.",
        f"Rename it, such as `{path}.name`.",
        on_key=True,
    )


def _path_problems(path: str, place: Place) -> list[Problem]:
    names = path.split(".")
    problems = []
    if names[0] in BUILT_IN_NAMES | _TYPE_NAMES:
        problems.append(
            place.problem(
                "reserved_name",
                f"`{names[0]}` is a built-in name.",
                "Begin the fact with another word, such as `guest` or `order`.",
                on_key=True,
            )
        )
    problems.extend(
        place.problem(
            "reserved_name", f"`{word}` is a reserved word.", "Rename the fact.", on_key=True
        )
        for word in sorted(RESERVED_WORDS.intersection(names))
    )
    return problems


def _key_problems(entry: Entry[FactDocument]) -> list[Problem]:
    document, place = entry.value, entry.place
    problems = []
    if document.type is FactType.CHOICE and document.of is None:
        problems.append(
            place.problem(
                "choice_without_values",
                "A choice needs the values it has.",
                "List them: `of: [member, silver, gold]`.",
            )
        )
    if document.type is not FactType.CHOICE and document.of is not None:
        problems.append(_only_for(place, "of", "a choice"))
    if document.type is not FactType.INTEGER:
        problems.extend(
            _only_for(place, key, "an integer")
            for key, value in (("from", document.least), ("to", document.most))
            if value is not None
        )
    elif document.least is not None and document.most is not None:
        problems.extend(_empty_range(place, document.least, document.most))
    return problems


def _only_for(place: Place, key: str, noun: str) -> Problem:
    return place.child(key).problem(
        "misplaced_key",
        f"`{key}` is for {noun} only.",
        "Delete it, or change the type.",
        on_key=True,
    )


def _empty_range(place: Place, least: int, most: int) -> list[Problem]:
    if least <= most:
        return []
    return [
        place.child("from").problem(
            "empty_range", f"No number lies from {least} to {most}.", "Exchange the two."
        )
    ]
