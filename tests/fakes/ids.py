"""Ids that count: the same in every run, of the real ones' shape and order."""

from base64 import urlsafe_b64encode
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class FakeIds:
    def __init__(self) -> None:
        self._count = 0

    def new(self, prefix: str, at: datetime) -> str:
        return f"{prefix}_{self._next()}"

    def surrogate(self, prefix: str) -> str:
        return f"{prefix}_{self._next()[::-1]}"

    def salt(self) -> str:
        return self._text(16)

    def secret(self) -> str:
        return self._text(32)

    def below(self, bound: int) -> int:
        self._count += 1
        return self._count % bound

    def _next(self) -> str:
        self._count += 1
        digits, rest = "", self._count
        while rest:
            digits, rest = _ALPHABET[rest % 32] + digits, rest // 32
        return digits.rjust(26, "0")

    def _text(self, length: int) -> str:
        self._count += 1
        return urlsafe_b64encode(self._count.to_bytes(length, "big")).decode().rstrip("=")
