"""Several answers in one call: each by itself, with its own status."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from service.api.answerbody import read_answer
from service.api.answermodels import Answer, AnswerTaken
from service.api.commands import Line
from service.api.models import Problem, Wire
from service.api.problems import problem
from service.app.errors import ServiceError
from service.app.idempotency import Claim, claim_of
from service.app.principal import Principal
from service.app.propose import Answered
from service.app.respond import Respond
from service.core.refusal import Fault, Refused
from service.services import Services

ANSWERS_MAX: Final = 100
BULK_BYTES_MAX: Final = 524_288
ID_CHARS_MAX: Final = 64

_EXAMPLE: Final = 'send {"answers": [{"id": "esc_…", "answer": "approve"}]}'


class OneOfSeveral(Answer):
    """An answer and the escalation that it is for."""

    id: str = Field(max_length=ID_CHARS_MAX, examples=["esc_01kk3v9s0v4m2f8n6x7z5q1r0t"])


class SeveralAnswers(Wire):
    """Answers to different escalations. Each is taken or refused by itself."""

    answers: list[OneOfSeveral] = Field(min_length=1, max_length=ANSWERS_MAX)


class OneTaken(Wire):
    """What a call of its own would have got: an answer with 200, or else a problem."""

    id: str
    status: int
    replayed: bool
    answer: AnswerTaken | None
    problem: Problem | None


class SeveralTaken(Wire):
    """What came of each answer, in their order."""

    answers: list[OneTaken]


class Several(NamedTuple):
    """One answer of several: the escalation's id, and the body that it would have alone."""

    id: str
    body: dict[str, Any]


def read_several(body: Any) -> list[Several]:  # noqa: ANN401 — JSON
    """The answers of a body; each is read by itself later. Raises `Refused`."""
    if not isinstance(body, dict) or not isinstance(body.get("answers"), list):
        raise _refused("wrong_type", "", "a list of answers is expected here", _EXAMPLE)
    if len(body) > 1:
        other = next(name for name in body if name != "answers")
        raise _refused("unknown_field", other, "this field is not known", _EXAMPLE)
    found = body["answers"]
    if not 1 <= len(found) <= ANSWERS_MAX:
        what = f"1 to {ANSWERS_MAX} answers go into one call, not {len(found)}"
        raise _refused("out_of_range", "answers", what, "send several calls")
    several = [_one(number, one) for number, one in enumerate(found)]
    ids = [one.id for one in several]
    for number, id_ in enumerate(ids):
        if id_ in ids[:number]:
            what = "this escalation is answered twice in one call"
            raise _refused("duplicate_id", f"answers/{number}/id", what, "answer it once")
    return several


def _one(number: int, given: Any) -> Several:  # noqa: ANN401 — JSON
    where = f"answers/{number}"
    if not isinstance(given, dict):
        raise _refused("wrong_type", where, "a JSON object is expected here", _EXAMPLE)
    id_ = given.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= ID_CHARS_MAX:
        raise _refused(
            "missing_field", f"{where}/id", '"id" of the escalation is missing', _EXAMPLE
        )
    return Several(id_, {name: value for name, value in given.items() if name != "id"})


def _refused(code: str, pointer: str, message: str, remedy: str) -> Refused:
    at = f"/{pointer}" if pointer else ""
    return Refused((Fault(code=code, pointer=at, message=message, remedy=remedy),))


class Bulk:
    """Sends several answers to the committer at once, as calls of their own would.

    With an ``Idempotency-Key`` each answer has one effect however often the call is sent,
    in whatever company: the key of each is the call's together with the escalation.
    """

    def __init__(self, services: Services, line: Line, request_id: str) -> None:
        """Keep what answers pass through."""
        self._services = services
        self._line = line
        self._request_id = request_id

    async def answer(
        self, principal: Principal, several: Sequence[Several], key: str | None
    ) -> bytes:
        """What came of each, as JSON."""
        commands = await run_in_threadpool(self._commands, principal, several, key)
        replies = await asyncio.gather(*[self._reply(command) for command in commands])
        for reply in replies:
            if isinstance(reply, ServiceError):
                self._services.attempts.tell(principal, "escalations.answers", reply)
        items = await run_in_threadpool(self._items, several, replies)
        return b'{"answers":[' + b",".join(items) + b"]}"

    def _commands(
        self, principal: Principal, several: Sequence[Several], key: str | None
    ) -> list[Respond | ServiceError | Refused]:
        return [self._command(principal, one, key) for one in several]

    def _command(
        self, principal: Principal, one: Several, key: str | None
    ) -> Respond | ServiceError | Refused:
        try:
            read = read_answer(one.body)
            escalation = self._services.finder.find_escalation(principal, one.id)
        except (ServiceError, Refused) as failure:
            return failure
        return Respond(
            principal=principal,
            escalation=escalation,
            answer=read.answer,
            text=read.text,
            claim=self._claim(principal, one, key),
            offer=read.offer,
            digest=read.digest,
        )

    def _claim(self, principal: Principal, one: Several, key: str | None) -> Claim | None:
        """The claim that an answer by itself has, so that either repeats the other."""
        if key is None:
            return None
        route = f"/v1/escalations/{one.id}/answer"
        vault = self._services.vault
        return claim_of(vault, person=principal.id, route=route, key=key, body=one.body)

    async def _reply(
        self, command: Respond | ServiceError | Refused
    ) -> Answered | ServiceError | Refused:
        if not isinstance(command, Respond):
            return command
        try:
            return await self._line.send(command)
        except (ServiceError, Refused) as failure:
            return failure

    def _items(
        self, several: Sequence[Several], replies: Sequence[Answered | ServiceError | Refused]
    ) -> list[bytes]:
        return [self._item(one.id, reply) for one, reply in zip(several, replies, strict=True)]

    def _item(self, id_: str, reply: Answered | ServiceError | Refused) -> bytes:
        told = {"id": id_, "status": 200, "replayed": False, "answer": None, "problem": None}
        if not isinstance(reply, Answered):
            failed = problem(reply, self._request_id)
            told["status"] = failed.status_code
            told["problem"] = orjson.Fragment(bytes(failed.body))
            return orjson.dumps(told)
        body = reply.body
        if reply.unnamed is not None:
            body = self._services.finder.named(reply.unnamed, body)
        told |= {"replayed": reply.replayed, "answer": orjson.Fragment(body)}
        return orjson.dumps(told)
