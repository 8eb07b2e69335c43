"""Commitments to values that stand in no entry: RFC 9901 disclosures.

An entry holds the digest of a salted value; the salt and the value lie elsewhere and
can be destroyed. What remains proves nothing about the value and changes no hash.
"""

import base64
import hashlib
from dataclasses import dataclass
from json.encoder import encode_basestring


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """A named value and its salt (at least 128 random bits, base64url, fresh for each)."""

    salt: str
    name: str
    value: str

    def encoded(self) -> str:
        """The disclosure as RFC 9901 (section 4.2.1) writes it: base64url of a JSON array."""
        return encoded(self.salt, self.name, self.value)

    def digest(self) -> str:
        """What an entry's ``_sd`` lists: base64url of SHA-256 over the encoded disclosure."""
        return digest_of(self.encoded())


def encoded(salt: str, name: str, value: str) -> str:
    """What `Disclosure.encoded` gives, without the making of one."""
    texts = encode_basestring(salt), encode_basestring(name), encode_basestring(value)
    return _base64url(f"[{', '.join(texts)}]".encode())


def digest_of(encoded: str) -> str:
    """The digest of an encoded disclosure (RFC 9901, section 4.2.3)."""
    return _base64url(hashlib.sha256(encoded.encode("ascii")).digest())


def digests(disclosures: tuple[Disclosure, ...]) -> list[str]:
    """The digests in sorted order, so that their order tells nothing."""
    return sorted(disclosure.digest() for disclosure in disclosures)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
