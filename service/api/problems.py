"""Problems (RFC 9457): everything that can go wrong over HTTP, by its stable code."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from starlette.responses import Response

from service.app.errors import (
    PolicyRefused,
    ServiceError,
    TokenRefused,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from service.core.refusal import Fault, Refused

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = "1"

TITLES: Final[Mapping[int, str]] = {
    400: "The request cannot be read",
    401: "Nobody known is asking",
    403: "Not allowed",
    404: "Not found",
    405: "Not with this method",
    409: "No longer possible",
    410: "Erased",
    413: "Too large",
    415: "Not this type of content",
    422: "Cannot be decided as it stands",
    429: "Too often",
    500: "Something failed here",
    503: "Not now",
}
"""One title for each status; a problem's own words are in its detail."""

STATUSES: Final[Mapping[str, int]] = {
    # 400: the bytes
    "empty_body": 400,
    "not_utf8": 400,
    "malformed_json": 400,
    "nested_too_deep": 400,
    "duplicate_key": 400,
    "invalid_idempotency_key": 400,
    "unknown_parameter": 400,
    "invalid_parameter": 400,
    "kept_per_person": 400,
    # 401, 403: the caller
    "unauthenticated": 401,
    "invalid_token": 401,
    "token_expired": 401,
    "token_revoked": 401,
    "not_permitted": 403,
    "unknown_claimed_role": 403,
    "humans_only": 403,
    "own_request": 403,
    "served_person": 403,
    "already_approved": 403,
    "proposers_delegate": 403,
    "own_delegation": 403,
    "not_your_remit": 403,
    "not_yours": 403,
    "second_person_required": 403,
    # 404, 405, 409, 410: the thing
    "not_found": 404,
    "no_resolution": 404,
    "no_escalation": 404,
    "no_entry": 404,
    "no_key": 404,
    "no_checkpoint": 404,
    "no_tile": 404,
    "no_notice": 404,
    "no_delegation": 404,
    "no_erasure": 404,
    "no_such_person": 404,
    "no_version": 404,
    "no_publication": 404,
    "no_trial": 404,
    "method_not_allowed": 405,
    "already_answered": 409,
    "already_asked": 409,
    "not_asked": 409,
    "answer_overdue": 409,
    "moved_on": 409,
    "digest_mismatch": 409,
    "already_waiting": 409,
    "not_approvable": 409,
    "hold_expired": 409,
    "not_held": 409,
    "not_settled": 409,
    "not_published": 409,
    "never_published": 409,
    "already_requested": 409,
    "already_erased": 409,
    "already_in_force": 409,
    "already_published": 409,
    "policy_moved_on": 409,
    "trial_running": 409,
    "trial_over": 409,
    "trial_not_waiting": 409,
    "delegation_circle": 409,
    "delegation_chain_too_long": 409,
    "too_many_delegations": 409,
    "delegation_over": 409,
    "in_progress": 409,
    "erased": 410,
    # 413, 415: the body
    "body_too_large": 413,
    "proposal_too_large": 413,
    "entry_too_large": 413,
    "not_json": 415,
    # 422: what the body says
    "wrong_type": 422,
    "unknown_field": 422,
    "duplicate_id": 422,
    "missing_field": 422,
    "empty_text": 422,
    "text_too_long": 422,
    "control_character": 422,
    "unknown_site": 422,
    "unknown_resolution": 422,
    "unknown_currency": 422,
    "undeclared_fact": 422,
    "not_a_choice": 422,
    "out_of_range": 422,
    "not_a_date": 422,
    "not_a_timestamp": 422,
    "not_a_duration": 422,
    "money_not_text": 422,
    "not_money": 422,
    "too_many_decimals": 422,
    "amount_too_large": 422,
    "amount_not_positive": 422,
    "amount_required": 422,
    "amount_not_allowed": 422,
    "quantity_required": 422,
    "quantity_not_whole": 422,
    "quantity_not_allowed": 422,
    "more_than_held": 422,
    "reason_required": 422,
    "reason_not_kept": 422,
    "own_delegate": 422,
    "unknown_person": 422,
    "no_subject": 422,
    "unknown_role": 422,
    "ends_before_it_begins": 422,
    "already_over": 422,
    "delegation_too_long": 422,
    "owner_required": 422,
    "owner_not_allowed": 422,
    "idempotency_mismatch": 422,
    "not_of_a_set": 422,
    "policy_invalid": 422,
    "suites_failed": 422,
    "other_currency": 422,
    "replay_too_long": 422,
    # 429: too often
    "too_many_escalations": 429,
    "replay_running": 429,
    # 500, 503: us
    "internal": 500,
    "no_policy": 503,
    "policy_missing": 503,
    "not_decided": 503,
    "outcome_unknown": 503,
    "no_master_key": 503,
    "stopping": 503,
    "too_many_streams": 503,
    "replay_failed": 503,
    "signing_keys_unavailable": 503,
}
"""The status of every code. A code is never given another meaning."""


class Unreadable(ServiceError):  # noqa: N818 — it names what is wrong with the request
    """The request never reached a use case: its bytes, headers or parameters are no good.

    ``pointer`` names the place in the body, or the parameter.
    """

    def __init__(self, code: str, message: str, remedy: str, pointer: str | None = None) -> None:
        """Keep the place beside the rest."""
        super().__init__(code, message, remedy)
        self.pointer = pointer


INTERNAL: Final = ServiceError(
    "internal",
    "the service failed, and nothing about it is told here",
    "tell the operator the request id",
)


def problem(failure: ServiceError | Refused, request_id: str) -> Response:
    """A failure as a response."""
    if isinstance(failure, Refused):
        return _refusal(failure, request_id)
    if isinstance(failure, Unauthenticated) and not isinstance(failure, TokenRefused):
        failure = _UNAUTHENTICATED
    headers = _headers_of(failure)
    faults = failure.faults if isinstance(failure, PolicyRefused) else ()
    if isinstance(failure, Unreadable) and failure.pointer is not None:
        faults = (
            Fault(
                code=failure.code,
                pointer=failure.pointer,
                message=failure.message,
                remedy=failure.remedy,
            ),
        )
    return rendered(failure, faults, request_id, headers)


def rendered(
    failure: ServiceError,
    faults: Sequence[Fault],
    request_id: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response of one failure; ``faults`` are the places where it lies."""
    status = STATUSES.get(failure.code, 500)
    body: dict[str, Any] = {
        "type": f"/problems/{failure.code}",
        "title": TITLES[status],
        "status": status,
        "detail": failure.message,
        "code": failure.code,
        "remedy": failure.remedy,
        "request_id": request_id,
        "errors": [
            {
                "code": fault.code,
                "pointer": fault.pointer,
                "message": fault.message,
                "remedy": fault.remedy,
            }
            for fault in faults
        ],
    }
    return Response(
        orjson.dumps(body),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


_UNAUTHENTICATED: Final = Unauthenticated(
    "unauthenticated",
    "no valid key came with the request",
    "send the header Authorization: Bearer rk_…, with a key from: remit key create",
)
"""The same words whether there was no key, or an unknown, revoked or expired one.

A token is another matter: its issuer vouches for whoever holds it, who is told what is wrong.
"""


def _refusal(refused: Refused, request_id: str) -> Response:
    first = refused.faults[0]
    named = ServiceError(first.code, str(refused), first.remedy)
    return rendered(named, refused.faults, request_id)


def _headers_of(failure: ServiceError) -> dict[str, str]:
    if isinstance(failure, TokenRefused):
        return {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # RFC 6750, section 3.1
    if isinstance(failure, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(failure, Unavailable) or failure.code == "in_progress":
        return {"Retry-After": RETRY_AFTER_SECONDS}
    if isinstance(failure, TooMany):
        return {"Retry-After": str(failure.retry_after_seconds)}
    if STATUSES.get(failure.code) == 413:  # noqa: PLR2004 — the rest of the body is not read
        return {"Connection": "close"}
    return {}
