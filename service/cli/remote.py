"""A running service, as commands speak to it: over HTTP, with the caller's key."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from service.cli.render import misused, note
from service.config import TOKEN_VARIABLE

if TYPE_CHECKING:
    import httpx

DEFAULT_URL: Final = "http://127.0.0.1:8000"
DEFAULT_KEY_FILE: Final = Path("~/.config/remit/key")
SECONDS_MAX: Final = 30
TRIES_MAX: Final = 3
"""How often something is asked again whose answer was lost, or which was put off."""

_NOT_NOW: Final = 503
_FAILED: Final = 400

Url = Annotated[str, typer.Option(help="Where the service is.")]
KeyFile = Annotated[
    Path,
    typer.Option(
        help=f"The file that holds your key, where {TOKEN_VARIABLE} has none. "
        "On a command line others could read it."
    ),
]


class Remote:
    """The service at an address. A refusal is told with its remedy, and ends with 1."""

    def __init__(self, url: str, key_file: Path) -> None:
        """Read the key. Ends with 2 where there is none."""
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {_key(key_file)}"}

    def get(self, path: str, **query: str | None) -> Any:  # noqa: ANN401 — JSON
        """What a path answers."""
        wanted = {name: value for name, value in query.items() if value is not None}
        return self._told(self._asked("GET", path, params=wanted))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 — JSON
        """What a path answers to a body. However often it is sent, it has one effect."""
        from service.bootstrap import new_request_key

        headers = {"Idempotency-Key": new_request_key()}
        return self._told(self._asked("POST", path, json=body, headers=headers))

    def _asked(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,  # noqa: ANN401 — as httpx takes it
    ) -> "httpx.Response":
        import httpx

        given = {**self._headers, **(headers or {})}
        lost = ""
        for _ in range(TRIES_MAX):
            try:
                answer = httpx.request(
                    method, self._url + path, headers=given, timeout=SECONDS_MAX, **more
                )
                if answer.status_code != _NOT_NOW:
                    return answer
                lost = "it cannot decide now"
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                misused(f"{self._url} is no address of a service ({error}); write --url http://…")
            except httpx.TransportError as error:
                lost = str(error) or type(error).__name__
        note(f"{self._url} does not answer: {lost}. Does it run (remit serve), is --url right?")
        raise typer.Exit(1)

    def _told(self, answer: "httpx.Response") -> Any:  # noqa: ANN401 — JSON
        try:
            body = answer.json()
        except ValueError:
            _fail(
                f"{self._url} is no Remit: it answered {answer.status_code} and no JSON. See --url"
            )
        if answer.status_code >= _FAILED:
            _fail(problem_text(body))
        return body


def problem_text(problem: Mapping[str, Any]) -> str:
    """A problem as sentences: each fault in its place, and what to do instead."""
    faults = problem.get("errors") or ()
    lines = [f"{one['pointer'] or '/'}: {one['message']}; {one['remedy']}" for one in faults]
    said = "\n".join(lines) or f"{problem.get('detail')}; {problem.get('remedy')}"
    return f"{said} [{problem.get('code')}]"


def find_key() -> str | None:
    """The key that the environment has, if it has one."""
    return os.environ.get(TOKEN_VARIABLE, "").strip() or None


def _key(file: Path) -> str:
    """The key of the environment, unless a file of one's own was named."""
    told = find_key() if file == DEFAULT_KEY_FILE else None
    return _read_key(file) if told is None else told


def _read_key(file: Path) -> str:
    try:
        key = file.expanduser().read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        key = ""
    if not key or not key.isprintable():
        misused(
            f"There is no key in {file}. Whoever runs the service makes one "
            f"(remit key create --subject NAME); keep it there or in {TOKEN_VARIABLE}, "
            "or name its file: --key-file FILE"
        )
    return key


def _fail(what: str) -> NoReturn:
    note(what)
    raise typer.Exit(1)
