"""The only source of randomness: ids, names, salts, secrets and key material."""

import secrets
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32, whose characters sort as their values do in ASCII."""

_PAIRS: Final = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_BODY_BYTES: Final = 17
_RANDOM_BITS: Final = 80
_LAST_BITS: Final = 20
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_BLOCK_BYTES: Final = 4_096


def random_bytes(count: int) -> bytes:
    """Unpredictable bytes from the operating system."""
    return secrets.token_bytes(count)


class Entropy:
    """Unpredictable bytes, drawn from the operating system in blocks.

    A system call for each name would cost more than the name, and would let another thread
    in between. No byte is handed out twice. Safe to share between threads, not to be
    carried over a fork.
    """

    def __init__(self) -> None:
        """Nothing was drawn yet."""
        self._block = b""
        self._used = 0
        self._lock = Lock()

    def __call__(self, count: int) -> bytes:
        """``count`` bytes, at most a block."""
        with self._lock:
            begin, end = self._used, self._used + count
            if end > len(self._block):
                self._block, begin, end = random_bytes(_BLOCK_BYTES), 0, count
            self._used = end
            return self._block[begin:end]


class RandomIds:
    """Ids that sort by time, and names that tell nothing. Safe to share between threads."""

    def __init__(self) -> None:
        """Nothing was handed out yet."""
        self._entropy = Entropy()
        self._last = 0
        self._high = -1
        self._begins = ""
        self._millisecond = -1
        self._lock = Lock()

    def new(self, prefix: str, at: datetime) -> str:
        """``prefix_`` and a ULID in lower case: 48 bits of milliseconds, 80 random bits.

        Within a process each id is greater than every one before it, whatever the
        prefix and even where ``at`` stands still or goes back: the last one is then
        counted on, as https://github.com/ulid/spec says of monotonic ULIDs.
        """
        millisecond = (at - _EPOCH) // _MILLISECOND
        with self._lock:
            number = self._last + 1
            if millisecond > self._millisecond:
                self._millisecond = millisecond
                random = int.from_bytes(self._entropy(_RANDOM_BITS // 8))
                number = max(number, millisecond << _RANDOM_BITS | random)
            self._last = number
            return f"{prefix}_{self._written(number)}"

    def surrogate(self, prefix: str) -> str:
        """``prefix_`` and 26 random characters (130 bits), always of one length."""
        return f"{prefix}_{_encoded(int.from_bytes(self._entropy(_BODY_BYTES)))}"

    def salt(self) -> str:
        """128 random bits, base64url without padding."""
        return urlsafe_b64encode(self._entropy(16))[:-2].decode("ascii")

    def secret(self) -> str:
        """256 random bits, base64url without padding."""
        return secrets.token_urlsafe(32)

    def below(self, bound: int) -> int:
        """A whole number from zero to one less than ``bound``, each as likely."""
        return secrets.randbelow(bound)

    def _written(self, number: int) -> str:
        """The id's characters. Neighbours share all but the last four, which are kept."""
        high = number >> _LAST_BITS
        if high != self._high:
            self._high, self._begins = high, _encoded(number)[:-4]
        return f"{self._begins}{_PAIRS[number >> 10 & 1023]}{_PAIRS[number & 1023]}"


def _encoded(number: int) -> str:
    """26 characters of the lowest 130 bits, most significant first."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
