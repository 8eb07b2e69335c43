"""A file of a copy that a command makes."""

from pathlib import Path

from service.cli.serve import fail


def put(path: Path, data: bytes) -> None:
    """Write it, and its folders where they are missing. Ends with 1 where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")
