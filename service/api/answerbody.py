"""Bodies that answer an escalation, reply or withdraw: JSON in, values or every fault out."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, cast

from service.app.answering import AnswerKind
from service.core.factvalue import FactError, check_text
from service.core.refusal import Fault, Refused
from service.core.request import NOTE_CHARS_MAX

DIGEST_CHARS_MAX: Final = 200

_OFFERS: Final = ("amount", "currency", "quantity")
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "approve": ("reason",),
        "counter": (*_OFFERS, "reason"),
        "ask": ("question",),
        "deny": ("reason",),
    }
)
"""What goes with each answer, besides the digest."""

_EXAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "approve": 'send {"answer": "approve"}',
        "counter": 'send {"answer": "counter", "amount": "50.00"}, or "quantity" for units',
        "ask": 'send {"answer": "ask", "question": "…"}',
        "deny": 'send {"answer": "deny", "reason": "…"}',
    }
)
_ANSWER: Final = 'send an object like {"answer": "deny", "reason": "…"}'
_REPLY: Final = 'send an object like {"reply": "…"}'
_WITHDRAWAL: Final = 'send an object like {"reason": "…"}, or {}'


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerBody:
    """An answer as it was sent. ``offer`` is for a proposal's reader to check."""

    answer: AnswerKind
    text: str | None = None
    offer: Mapping[str, Any] | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What who proposed says, and of which request."""

    text: str | None
    digest: str | None = None


def read_answer(body: Any) -> AnswerBody:  # noqa: ANN401 — JSON
    """An answer. A denial has a reason and a question its text. Raises `Refused`."""
    read = _Reading(body, _ANSWER)
    kind = body.get("answer")
    if kind is None:
        read.fault("missing_field", "answer", '"answer" is missing', _ANSWER)
        known: tuple[str, ...] = ("reason",)
    elif not isinstance(kind, str) or kind not in _FIELDS:
        read.fault("not_a_choice", "answer", "this is no answer", f"write {_listed()}")
        known = (*_OFFERS, "reason", "question")
    else:
        read.example, known = _EXAMPLES[kind], _FIELDS[kind]
    read.only(("answer", *known, "digest"))
    text = _text_of(read, kind, known)
    digest = read.text("digest", chars_max=DIGEST_CHARS_MAX)
    read.done()
    offer = {name: body[name] for name in _OFFERS if body.get(name) is not None}
    return AnswerBody(
        answer=cast("AnswerKind", kind),
        text=text,
        offer=offer if kind == "counter" else None,
        digest=digest,
    )


def read_reply(body: Any) -> Words:  # noqa: ANN401 — JSON
    """A reply: text, and nothing but text. Raises `Refused`."""
    read = _Reading(body, _REPLY)
    read.only(("reply", "digest"))
    text = read.text("reply", required=True)
    digest = read.text("digest", chars_max=DIGEST_CHARS_MAX)
    read.done()
    return Words(text=text, digest=digest)


def read_withdrawal(body: Any) -> Words:  # noqa: ANN401 — JSON
    """A withdrawal, with a reason if there is one to tell. Raises `Refused`."""
    read = _Reading(body, _WITHDRAWAL)
    read.only(("reason", "digest"))
    text = read.text("reason")
    digest = read.text("digest", chars_max=DIGEST_CHARS_MAX)
    read.done()
    return Words(text=text, digest=digest)


def _text_of(read: "_Reading", kind: object, known: tuple[str, ...]) -> str | None:
    if "question" in known and "reason" not in known:
        return read.text("question", required=True)
    if kind == "deny" and read.body.get("reason") is None:
        read.fault(
            "reason_required",
            "reason",
            "a denial says why",
            'add "reason": a sentence that the agent can act on',
        )
    return read.text("reason")


def _listed() -> str:
    *others, last = _FIELDS
    return f"{', '.join(others)} or {last}"


class _Reading:
    """One body, and what is wrong with it."""

    def __init__(self, body: Any, example: str) -> None:  # noqa: ANN401 — JSON
        """Raises `Refused` where there are no fields at all."""
        self.faults: list[Fault] = []
        self.example = example
        if not isinstance(body, dict):
            self.fault("wrong_type", None, "a JSON object is expected here", example)
            self.done()
        self.body: dict[str, Any] = body

    def fault(self, code: str, name: str | None, message: str, remedy: str) -> None:
        pointer = "" if name is None else f"/{name}"
        fault = Fault(code=code, pointer=pointer, message=message, remedy=remedy)
        self.faults.append(fault)

    def only(self, known: tuple[str, ...]) -> None:
        """No field but these."""
        for name in self.body:
            if name not in known:
                token = name.replace("~", "~0").replace("/", "~1")[:100]
                self.fault("unknown_field", token, "this field does not go here", self.example)

    def text(
        self, name: str, *, required: bool = False, chars_max: int = NOTE_CHARS_MAX
    ) -> str | None:
        """A text, or what is wrong with it among the faults."""
        value = self.body.get(name)
        if value is None:
            if required:
                self.fault("missing_field", name, f'"{name}" is missing', self.example)
            return None
        try:
            return check_text(value, chars_max, lines=True)
        except FactError as error:
            self.fault(error.code, name, error.message, error.remedy)
            return None

    def done(self) -> None:
        """Raises `Refused` with every fault, if there is one."""
        if self.faults:
            raise Refused(tuple(self.faults))
