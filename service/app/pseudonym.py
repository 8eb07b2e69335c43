"""Personal values leave the request before anything is decided or stored.

A personal fact is replaced by a random surrogate, the same for the same value; notes and
evidence references by a mark that they exist. What was there goes into disclosures,
which are sealed under the subject's key. No condition reads a personal fact, so the
decision is the same.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from service.app.ports import Ids, Vault
from service.app.records import OpeningRecord, SurrogateRecord
from service.app.wanted import Wanted
from service.core.disclosure import Disclosure, encoded
from service.core.request import Evidence, Request
from service.core.rulebook import Rulebook
from service.core.situation import text_of

NOBODY: Final = "sub_nobody"
"""The subject of what concerns no declared person: its openings have a key of their own."""

_THERE: Final = "there"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalValue:
    """A personal fact of one request: its path, its text, and the keyed hash of both."""

    path: str
    text: str
    fingerprint: bytes


def personal_values(
    rulebook: Rulebook, request: Request, vault: Vault
) -> tuple[PersonalValue, ...]:
    """The personal facts that a request carries, by path."""
    return tuple(
        PersonalValue(
            path=path,
            text=(text := text_of(request.facts[path])),
            fingerprint=vault.fingerprint(f"{path}\0{text}"),
        )
        for path in sorted(rulebook.personal)
        if path in request.facts
    )


def wanted_surrogates(
    rulebook: Rulebook, values: tuple[PersonalValue, ...], ids: Ids
) -> Mapping[bytes, SurrogateRecord]:
    """The records of a request's values, as they would be inserted where they are new."""

    def new(fingerprint: bytes, value: PersonalValue) -> SurrogateRecord:
        surrogate = ids.surrogate("sub" if value.path == rulebook.subject else "psn")
        return SurrogateRecord(fingerprint=fingerprint, surrogate=surrogate, subject=surrogate)

    return Wanted({value.fingerprint: value for value in values}, new)


def newly_owned(
    values: tuple[PersonalValue, ...],
    surrogates: Mapping[bytes, SurrogateRecord],
    subject: str,
) -> list[SurrogateRecord]:
    """The values that nobody had before, as the subject's: erasing the person takes them too."""
    if subject == NOBODY:
        return []
    found = [surrogates[value.fingerprint] for value in values]
    return [
        replace(one, subject=subject)
        for one in found
        if one.subject == one.surrogate and one.surrogate != subject
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pseudonymous:
    """A request without personal values, and what was taken out of it.

    ``names`` maps each surrogate to the value it stands for; ``sealed`` are the encoded
    disclosures of all that was taken out.
    """

    request: Request
    subject: str
    names: Mapping[str, str]
    sealed: tuple[str, ...]


def pseudonymous(
    rulebook: Rulebook,
    request: Request,
    values: tuple[PersonalValue, ...],
    surrogates: Mapping[bytes, SurrogateRecord],
    ids: Ids,
) -> Pseudonymous:
    """Take every personal value out of a request."""
    records = {value.path: surrogates[value.fingerprint] for value in values}
    # What was charged before an erasure goes on counting, under the name it was charged to.
    stand_ins = {path: one.charged_as or one.surrogate for path, one in records.items()}
    served = None if rulebook.subject is None else records.get(rulebook.subject)
    subject = NOBODY if served is None else served.surrogate
    return Pseudonymous(
        request=request.without_people(
            {**request.facts, **stand_ins},
            None if request.note is None else _THERE,
            tuple([Evidence(kind=e.kind, reference=_THERE) for e in request.evidence]),
        ),
        subject=subject,
        names={stand_ins[value.path]: value.text for value in values},
        sealed=tuple([encoded(ids.salt(), name, text) for name, text in _taken(request, values)]),
    )


def _taken(request: Request, values: tuple[PersonalValue, ...]) -> Iterator[tuple[str, str]]:
    """Everything that is taken out of a request, by the names of its disclosures."""
    for value in values:
        yield value.path, value.text
    if request.note is not None:
        yield "note", request.note
    for number, evidence in enumerate(request.evidence):
        yield f"evidence/{number}", evidence.reference


def seal(
    vault: Vault, wrapped: bytes, entry: str, subject: str, sealed: tuple[str, ...]
) -> OpeningRecord:
    """The disclosures of an entry, sealed under the subject's key and bound to the entry."""
    plain = orjson.dumps(sealed)
    return OpeningRecord(entry=entry, subject=subject, sealed=vault.seal(wrapped, plain, entry))


def unseal(vault: Vault, wrapped: bytes, opening: OpeningRecord) -> tuple[Disclosure, ...]:
    """The disclosures of an opening. Raises `ValueError` where anything was altered."""
    plain = vault.unseal(wrapped, opening.sealed, opening.entry)
    found = []
    for text in orjson.loads(plain):
        salt, name, value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        found.append(Disclosure(salt=salt, name=name, value=value))
    return tuple(found)


def name_people(rendered: bytes, names: Mapping[str, str]) -> bytes:
    """Put the values back in place of their surrogates, in JSON that was rendered with them.

    A surrogate is 128 random bits, so nothing else in the text can equal it.
    """
    for surrogate, value in names.items():
        rendered = rendered.replace(b'"' + surrogate.encode() + b'"', orjson.dumps(value))
    return rendered


def stored_proposal(rulebook: Rulebook, request: Request, body: Mapping[str, Any]) -> bytes:
    """What is kept of a proposal: its JSON without personal values, and the surrogates beside.

    ``request`` is pseudonymous already; ``body`` is what was sent.
    """
    kept = {
        name: value
        for name, value in body.items()
        if name not in {"note", "evidence", "facts"} and value is not None
    }
    if request.note is not None:
        kept["note"] = _THERE
    if request.evidence:
        kept["evidence"] = [
            {"kind": evidence.kind, "reference": _THERE} for evidence in request.evidence
        ]
    personal = {path: value for path, value in request.facts.items() if path in rulebook.personal}
    kept["facts"] = _without(body.get("facts") or {}, personal)
    return orjson.dumps({"body": kept, "personal": personal})


def _without(facts: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Nested facts without those at the paths. Shares what lies on no path."""
    kept = dict(facts)
    for path in paths:
        first, _, rest = path.partition(".")
        if rest:
            kept[first] = _without(kept[first], [rest])
        else:
            del kept[first]
    return kept
