"""The same request twice has one effect: the stored answer again, byte for byte."""

from dataclasses import dataclass
from typing import Final

import orjson

from service.app.errors import Conflict, Gone, Mismatch
from service.app.ports import Vault
from service.app.records import IdempotencyRecord

KEY_CHARS_MAX: Final = 255
IN_PROGRESS_SECONDS: Final = 1
"""How long whoever repeats a request that is still being decided waits for its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A caller's key for one request: where it is stored, and what the body hashed to.

    Both are keyed hashes, since keys and bodies may hold personal values.
    """

    key: str
    fingerprint: bytes


def claim_of(vault: Vault, *, person: str, route: str, key: str, body: object) -> Claim:
    """The claim of a caller's key: scoped by person and route, bound to the parsed body."""
    canonical = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return Claim(
        key=vault.fingerprint(f"key\0{person}\0{route}\0{key}").hex(),
        fingerprint=vault.fingerprint("body\0" + canonical.decode()),
    )


def in_progress() -> Conflict:
    """The refusal of a request that is being decided already, for longer than one may wait."""
    return Conflict(
        "in_progress",
        "a request with this Idempotency-Key is still being decided",
        "send the same request again, with the same key, in a second",
    )


def replay_of(claim: Claim | None, record: IdempotencyRecord | None) -> IdempotencyRecord | None:
    """The record to answer with; ``None`` where the request is new.

    Raises `Mismatch` where the key was used for another body, `Gone` after erasure.
    """
    if claim is None or record is None:
        return None
    if record.erased:
        raise Gone("erased", "what this key stood for was erased", "use a new Idempotency-Key")
    if record.answer is None:
        return None
    if record.fingerprint != claim.fingerprint:
        raise Mismatch(
            "idempotency_mismatch",
            "this Idempotency-Key was used for another request",
            "use a new key for a new request, and the same key only to repeat one",
        )
    return record
