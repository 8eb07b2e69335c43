"""Where ``remit audit`` reads a log, and whom it believes."""

import atexit
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.remote import find_key
from service.cli.render import misused
from service.cli.serve import fail, read_settings
from service.config import Settings

if TYPE_CHECKING:
    from service.app.archive import Archive
    from service.audit.note import VerifierKey
    from service.audit.remote import RemoteSource
    from service.audit.source import Source

Where = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="The address of a service (its key in REMIT_TOKEN), a folder that was exported, "
        "or a database: sqlite:///FILE, postgresql://…",
    ),
]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", help="A verifier key to believe: name+id+key. Several, if it changed."),
]
KeyFile = Annotated[
    Path | None, typer.Option("--key-file", help="A file with such keys, each on a line.")
]

_ASK = (
    "Name whom to believe: --key name+id+key, or --key-file FILE. The operator gives it to you, "
    "not the log; on their machine `remit audit key` shows it."
)


class DatabaseSource:
    """The log in a database. Another process opens it anew."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is opened before it is read."""
        self._settings = settings
        self._archive: Archive | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Connections stay where they are."""
        return {"_settings": self._settings, "_archive": None}

    def read(self, path: str) -> bytes:
        """See `service.audit.source.Source`."""
        from service.app.errors import NotFound
        from service.audit.source import Missing

        try:
            return self._opened().read(path)
        except NotFound:
            raise Missing(path) from None

    def checkpoints(self) -> Iterator[bytes]:
        """See `service.audit.source.Source`."""
        return self._opened().checkpoints()

    def _opened(self) -> "Archive":
        if self._archive is None:
            from service.bootstrap import open_archive

            stack = ExitStack()
            self._archive = stack.enter_context(open_archive(self._settings)).archive
            atexit.register(stack.close)
        return self._archive


def is_address(where: str) -> bool:
    """Whether a source is a service."""
    return where.startswith(("http://", "https://"))


def source_of(where: str) -> "Source":
    """The source that somebody names. Raises `SourceError`."""
    from service.audit.source import FolderSource

    if is_address(where):
        return remote(where)
    if "://" in where:
        return DatabaseSource(read_settings(database=where))
    return FolderSource(Path(where))


def remote(where: str) -> "RemoteSource":
    """A service, with the key from the environment. Raises `SourceError`."""
    from service.audit.remote import RemoteSource

    return RemoteSource(where, find_key())


def keys_of(given: Sequence[str] | None, file: Path | None) -> "list[VerifierKey]":
    """The keys to believe: one at least. Ends with 2 where there is none, or it is none."""
    from service.audit.note import NoteError, parse_key

    texts = list(given or ())
    try:
        if file is not None:
            lines = file.read_text("utf-8").splitlines()
            texts += [line for line in lines if line.strip() and not line.startswith("#")]
        keys = [parse_key(text) for text in texts]
    except (OSError, UnicodeDecodeError, NoteError) as error:
        misused(f"{error}. {_ASK}")
    return keys or misused(_ASK)


@contextmanager
def sources_told() -> Iterator[None]:
    """A source that cannot be read, as a sentence and exit code 1."""
    from service.app.errors import ServiceError
    from service.audit.source import Missing, SourceError
    from service.bootstrap import StartError

    try:
        yield
    except (SourceError, StartError) as error:
        fail(str(error))
    except Missing as missing:
        fail(f"the source has no {missing}")
    except ServiceError as failure:
        fail(f"{failure}; {failure.remedy}")
