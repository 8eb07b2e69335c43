"""The bodies about policies: files by name, and what to do with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.app.publication import COMMENT_CHARS_MAX
from service.app.replayask import Asked as Replayed
from service.core.factvalue import FactError, check_text
from service.core.refusal import Fault, Refused
from service.policyfile.digest import ACCESS_FILE, MODEL_FILE
from service.policyfile.folder import FILES_MAX

SET_BYTES_MAX: Final = 8_388_608
"""How large a body with a set may be."""

NAME_CHARS_MAX: Final = 300
_EXAMPLE: Final = 'send an object like {"files": {"policy.yaml": "remit: 1 …", "access.csv": "…"}}'
_ROLLBACK: Final = 'send an object like {"version": "sha256:…"}, of GET /v1/policy/versions'
_NAMES: Final = f"name *.yaml files, {ACCESS_FILE} and {MODEL_FILE}, as relative paths"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a body asks for. ``version`` is a rollback's, ``files`` are those of a set."""

    files: Mapping[str, bytes]
    version: str
    comment: str | None
    replaces: str | None


def read_set_body(body: Any) -> Asked:  # noqa: ANN401 — JSON
    """A set to put in force. Raises `Refused` with every fault."""
    read = Reading(body, ("files", "comment", "replaces"), _EXAMPLE)
    return read.asked(files=read.files())


def read_check(body: Any) -> tuple[Mapping[str, bytes], bool]:  # noqa: ANN401 — JSON
    """A set to check, and whether strictly. Raises `Refused` with every fault."""
    read = Reading(body, ("files", "strict"), _EXAMPLE)
    files, strict = read.files(), read.body.get("strict", False)
    if not isinstance(strict, bool):
        read.fault("wrong_type", "/strict", "true or false is expected here", "write true")
    return read.asked(files=files).files, strict is True


def read_replay(body: Any) -> Replayed:  # noqa: ANN401 — JSON
    """A candidate and the window to replay it over. Raises `Refused` with every fault."""
    read = Reading(body, ("files", "since", "until", "site"), _EXAMPLE)
    files = read.files()
    since, until, site = (read.text(name) for name in ("since", "until", "site"))
    read.asked(files=files)
    return Replayed(files=files, since=since, until=until, site=site)


def read_rollback(body: Any) -> Asked:  # noqa: ANN401 — JSON
    """A version to put in force again. Raises `Refused` with every fault."""
    read = Reading(body, ("version", "comment", "replaces"), _ROLLBACK)
    if "version" not in read.body:
        read.fault("missing_field", "/version", '"version" is missing')
    return read.asked(version=read.text("version") or "")


class Reading:
    """A body being read; its faults are gathered and told together."""

    def __init__(self, body: Any, known: tuple[str, ...], example: str) -> None:  # noqa: ANN401
        self._example = example
        self.faults: list[Fault] = []
        if not isinstance(body, dict):
            self.fault("wrong_type", "", "a JSON object is expected here")
            raise Refused(tuple(self.faults))
        self.body = body
        for name in body:
            if name not in known:
                self.fault("unknown_field", f"/{name[:100]}", "this field is not known")

    def fault(self, code: str, pointer: str, message: str, remedy: str | None = None) -> None:
        """Something is wrong in a place; without a remedy of its own an example is shown."""
        found = Fault(code=code, pointer=pointer, message=message, remedy=remedy or self._example)
        self.faults.append(found)

    def asked(self, *, files: Mapping[str, bytes] | None = None, version: str = "") -> Asked:
        """What is asked for. Raises `Refused` with every fault so far."""
        comment, replaces = self.text("comment"), self.text("replaces")
        if self.faults:
            raise Refused(tuple(self.faults))
        return Asked(files=files or {}, version=version, comment=comment, replaces=replaces)

    def text(self, name: str) -> str | None:
        """A text that may be left out."""
        given = self.body.get(name)
        if given is None:
            return None
        try:
            text = check_text(given)
        except FactError as error:
            self.fault(error.code, f"/{name}", error.message)
            return None
        if len(text) > COMMENT_CHARS_MAX:
            most = f"more than {COMMENT_CHARS_MAX} characters"
            self.fault("text_too_long", f"/{name}", most, "shorten it")
        return text

    def files(self) -> dict[str, bytes]:
        """The files of a set by their paths."""
        given = self.body.get("files")
        if given is None:
            self.fault("missing_field", "/files", '"files" is missing')
            return {}
        if not isinstance(given, dict):
            self.fault("wrong_type", "/files", "an object is expected here")
            return {}
        if len(given) > FILES_MAX:
            self.fault("out_of_range", "/files", f"more than {FILES_MAX} files", "merge some")
            return {}
        return {name: text.encode() for name, text in given.items() if self._is_file(name, text)}

    def _is_file(self, name: str, text: object) -> bool:
        pointer = f"/files/{name[:NAME_CHARS_MAX].replace('~', '~0').replace('/', '~1')}"
        if not _may_be_of_set(name):
            self.fault("not_of_a_set", pointer, "no file of a policy set is called so", _NAMES)
        elif not isinstance(text, str):
            self.fault("wrong_type", pointer, "the text of the file is expected here")
        return isinstance(text, str)


def _may_be_of_set(name: str) -> bool:
    """The names that a folder's files may have."""
    parts = name.split("/")
    is_path = all(part and not part.startswith(".") for part in parts) and name.isprintable()
    known = parts[-1].endswith((".yaml", ".yml")) or parts[-1] in (ACCESS_FILE, MODEL_FILE)
    return is_path and known and len(name) <= NAME_CHARS_MAX and "\\" not in name
