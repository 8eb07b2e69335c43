"""JSON pointers (RFC 6901) into what was sent: where a fault stands."""


def pointer_of(names: tuple[str, ...]) -> str:
    """Where a fact stands in the proposal."""
    return "/facts/" + "/".join(token_of(name) for name in names)


def token_of(name: str) -> str:
    """A name as a token of a pointer, bounded."""
    return name.replace("~", "~0").replace("/", "~1")[:100]
