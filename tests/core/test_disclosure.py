"""Commitments are RFC 9901 disclosures, recomputable by anybody's library."""

import json

from hypothesis import given
from hypothesis import strategies as st
from sd_jwt.common import SDJWTCommon

from service.core.disclosure import Disclosure, digests

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_the_published_example_has_its_published_digest() -> None:
    """The example of RFC 9901, section 4.2.1 hashes to the digest that its text names."""
    disclosure = Disclosure(salt="_26bc4LT-ac6q2KI6cBW5es", name="family_name", value="Möbius")
    assert disclosure.encoded() == (
        "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    )
    assert disclosure.digest() == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"


@given(TEXT, TEXT)
def test_the_reference_library_recomputes_every_digest(name: str, value: str) -> None:
    """A verifier nobody here wrote reads the disclosure and finds its digest."""
    disclosure = Disclosure(salt="c2FsdHNhbHRzYWx0c2E", name=name, value=value)
    raw = SDJWTCommon._base64url_decode(disclosure.encoded())  # noqa: SLF001 — its reader
    assert json.loads(raw) == [disclosure.salt, name, value]
    common = SDJWTCommon("compact")
    assert common._b64hash(disclosure.encoded().encode()) == disclosure.digest()  # noqa: SLF001


def test_the_order_of_digests_tells_nothing() -> None:
    """Digests are listed in their own order, not in that of the values."""
    some = tuple(Disclosure(salt=str(n), name="n", value=str(n)) for n in range(9))
    assert digests(some) == sorted(digests(some)) == digests(tuple(reversed(some)))
