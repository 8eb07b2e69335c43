"""``remit serve``: the HTTP service, from its settings to its last answer."""

import contextlib
import gc
import json
import os
import shlex
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from service.config import SettingError, Settings

if TYPE_CHECKING:
    import uvicorn

    from service.app.demo import Shown
    from service.services import Services

BACKLOG: Final = 2_048
GRACE_SECONDS: Final = 10
KEEP_ALIVE_SECONDS: Final = 65
GC_ALLOCATIONS: Final = 20_000
_SHOWN_TRADES: Final = ("agent", "manager", "auditor")


def serve(
    policies: Annotated[
        Path | None, typer.Option(help="The folder of the policy set. REMIT_POLICIES")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="sqlite:///FILE or postgresql://… REMIT_DATABASE")
    ] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on. REMIT_HOST")] = None,
    port: Annotated[
        int | None, typer.Option(help="The port to listen on; 0 takes a free one. REMIT_PORT")
    ] = None,
    demo: Annotated[
        bool | None,
        typer.Option("--demo", help="Make and show keys for the people of the set. REMIT_DEMO"),
    ] = None,
    watch: Annotated[
        bool | None,
        typer.Option("--watch/--no-watch", help="Follow the folder as it changes. REMIT_WATCH"),
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning or error. REMIT_LOG_LEVEL")
    ] = None,
) -> None:
    """Serve the HTTP API.

    Example: remit serve --demo --policies policies/hotel --database sqlite:///var/remit.db
    """
    from service.bootstrap import open_services
    from service.logs import configure
    from service.policyfile.problem import PolicyErrors

    settings = read_settings(
        policies=policies,
        database=database,
        host=host,
        port=port,
        demo=demo,
        watch=watch,
        log_level=log_level,
    )
    configure(settings.log_level)
    listening = _listen(settings)
    with listening, _told_to_stop() as stopping, failures_told():
        try:
            with open_services(settings, watch=settings.watch) as services:
                _greet(services, listening)
                _run(services, listening, stopping)
        except PolicyErrors as problems:
            fail(f"{settings.policies} does not load:\n{problems}")


def read_settings(**given: Any) -> Settings:  # noqa: ANN401 — by the names of `Settings`
    """The settings of this process. Ends it with 2 where they cannot be used."""
    try:
        return Settings.read(os.environ, **given)
    except SettingError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def fail(what: str) -> NoReturn:
    """Say what does not hold, and end with 1."""
    typer.echo(what, err=True)
    raise typer.Exit(1)


@contextlib.contextmanager
def failures_told() -> Iterator[None]:
    """What stands in the way of opening a database, as a sentence and exit code 1."""
    from service.app.errors import ServiceError
    from service.app.logalarm import LogAlarm
    from service.bootstrap import StartError

    try:
        yield
    except StartError as failure:
        fail(str(failure))
    except (ServiceError, LogAlarm) as failure:
        fail(f"{failure}; {failure.remedy}")


def _listen(settings: Settings) -> socket.socket:
    """Take the port first: who cannot be reached need not open a database."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        fail(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}. "
            f"End the process that has it, or take another: --port {settings.port + 1}"
        )
    return listening


class _Stopping:
    """What becomes of a signal to stop before the server takes signals itself.

    What it raises may come to nothing, where it interrupts a destructor: so it is remembered.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self.server: uvicorn.Server | None = None

    def __call__(self, *_: object) -> None:
        self.is_asked = True
        if self.server is None:
            raise SystemExit(0)
        self.server.should_exit = True

    def take_over(self, server: "uvicorn.Server") -> None:
        """From now on a signal ends the server; one that came before does so at once."""
        self.server = server
        server.should_exit = self.is_asked


@contextlib.contextmanager
def _told_to_stop() -> Iterator[_Stopping]:
    """A signal to stop is a way to end well: what was taken is answered, then all is closed."""
    stopping = _Stopping()
    before = signal.signal(signal.SIGTERM, stopping)
    try:
        yield stopping
    except KeyboardInterrupt:
        raise SystemExit(0) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(services: "Services", listening: socket.socket, stopping: _Stopping) -> None:
    import uvicorn

    from service.api.app import create_app

    config = uvicorn.Config(
        create_app(services),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    exiting = server.handle_exit

    def stop(sig: int, frame: FrameType | None) -> None:
        # A stream has no end of its own, and the server waits for requests to end.
        services.approvals.feed.stop_soon()
        exiting(sig, frame)

    server.handle_exit = stop  # type: ignore[method-assign]
    stopping.take_over(server)
    _settle_memory()
    server.run(sockets=[listening])


def _settle_memory() -> None:
    """What is loaded by now stays: the collector need not look at it again and again.

    Requests leave hardly any cycles behind. Collecting less often takes a tenth off the
    time of a decision.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 50, 50)


def _greet(services: "Services", listening: socket.socket) -> None:
    """Say on standard output where the service is and what to do first."""
    host, port = listening.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    rulebook = services.library.in_force().rulebook
    lines = [f"Remit serves {rulebook.name} on {address}", ""]
    if services.settings.demo:
        lines += _demonstration(services, address)
    else:
        lines += ["Make a key for somebody whom access.csv names:", "", *_first_key(services)]
    typer.echo("\n".join(lines))
    sys.stdout.flush()


def _first_key(services: "Services") -> list[str]:
    people = services.library.in_force().access.people()
    person = people[0] if people else "ana"
    database = shlex.quote(services.settings.database_shown)
    return [f"  remit key create --subject {person} --database {database}", ""]


def _demonstration(services: "Services", address: str) -> list[str]:
    from service.app.demo import renew_keys

    snapshot = services.library.in_force()
    declared = snapshot.rulebook.sites
    sites = ["main"] if declared is None else list(declared)
    people = renew_keys(services.store, services.keys, snapshot.access, sites)
    width = max((len(shown.person) for shown in people), default=0)
    lines = [
        "This is a demonstration, for this machine only. Keys of an earlier start are revoked.",
        "",
        *(f"  {shown.person:<{width}}  {shown.secret}  {_role(shown)}" for shown in people),
        "",
    ]
    for trade in _SHOWN_TRADES:
        shown = next((one for one in people if one.trade == trade), None)
        if shown is not None:
            lines += [
                f"As {shown.person}, {_article(trade)}:",
                "",
                _call(services, shown, address),
                "",
            ]
    return lines


def _role(shown: "Shown") -> str:
    held = ", ".join(shown.roles) or shown.trade
    return f"{held}, {'every site' if shown.is_everywhere else shown.site}"


def _article(trade: str) -> str:
    return f"an {trade}" if trade[0] in "aeiou" else f"a {trade}"


def _call(services: "Services", shown: "Shown", address: str) -> str:
    from service.app.example import example_proposal

    who = f"-H 'Authorization: Bearer {shown.secret}'"
    if shown.trade == "manager":
        return f"  curl -s {who} '{address}/v1/escalations?state=open'"
    if shown.trade == "auditor":
        return f"  curl -s {who} '{address}/v1/log?limit=5'"
    rulebook = services.library.in_force().rulebook
    body = json.dumps(example_proposal(rulebook, shown.site))
    return (
        f"  curl -s {address}/v1/resolutions {who} -H 'Content-Type: application/json' "
        f"-d {shlex.quote(body)}"
    )
