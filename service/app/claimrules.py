"""What a token has to say to be taken. Settings hold it, so it needs nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRules:
    """What a token has to say to be taken.

    ``subject`` and ``roles`` are the names of claims, or JSON pointers (RFC 6901) to what
    lies within one. Any of ``audiences`` will do.
    """

    issuer: str
    audiences: tuple[str, ...]
    subject: str = "sub"
    roles: str = "remit_roles"
