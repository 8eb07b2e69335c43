"""Comments that allow what a lint would warn of, at one place and for a reason.

``# remit: allow unbounded_grant because the property system says what is still due`` stands
on the line of what is warned of, anywhere in the same rule or declaration, or in the
comment right above it. What a comment allows is no warning, and a comment that allows
nothing is one.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as Files
from dataclasses import dataclass

from service.policyfile.comment import comments_of, scalars_of
from service.policyfile.load import is_policy
from service.policyfile.problem import Problem
from service.policyfile.source import Source, decode
from service.policyfile.yamltree import Mapping, Node, Sequence, read_tree

_ALLOW = re.compile(r"#[ \t]*remit:[ \t]*allow\b[ \t]*(?P<code>[\w-]*)(?P<rest>[^\r\n]*)")
_BECAUSE = re.compile(r"[ \t]+because[ \t]+\S")
_SHAPE = "Write `# remit: allow CODE because REASON`, such as `unbounded_grant`."


@dataclass(frozen=True, slots=True)
class _Allowance:
    """A comment: what it allows, its line, and where the comment begins."""

    source: Source
    code: str
    line: int
    index: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The lines of one rule or declaration, with the comment right above it."""

    file: str
    first: int
    last: int


def apply_allowances(
    files: Files[str, bytes], warnings: Iterable[Problem], codes: Collection[str]
) -> Iterator[Problem]:
    """The warnings that no comment allows, and what is wrong with the comments.

    ``files`` are those of a set that loads.
    """
    trees = list(_trees(files))
    stretches = [stretch for source, tree in trees for stretch in _stretches(source, tree)]
    malformed: list[Problem] = []
    allowances = [it for source, tree in trees for it in _read(source, tree, codes, malformed)]
    used: set[_Allowance] = set()
    for warning in warnings:
        found = [it for it in allowances if _covers(it, warning, stretches)]
        used.update(found)
        if not found:
            yield warning
    yield from malformed
    for allowance in allowances:
        if allowance not in used:
            yield _problem(
                allowance,
                "unused_allow",
                f"Nothing here is a case of {allowance.code}.",
                "Delete the comment, or move it to the rule that it is about.",
            )


def _trees(files: Files[str, bytes]) -> Iterator[tuple[Source, Mapping]]:
    for path in filter(is_policy, files):
        source = decode(path, files[path], [])
        tree = read_tree(source, []) if source is not None else None
        if source is not None and tree is not None:
            yield source, tree


def _stretches(source: Source, root: Mapping) -> Iterator[_Stretch]:
    """The rules and declarations of a file, each from its comment to its last line."""
    comments = {comment.line for comment in comments_of(source, root) if comment.alone}
    for section in root.items.values():
        for start, node in _parts(section):
            first = source.position(start)[0]
            last = max(source.position(end)[0] for end in (start, *_ends(node)))
            while first - 1 in comments:
                first -= 1
            yield _Stretch(source.file, first, last)


def _parts(section: Node) -> Iterator[tuple[int, Node]]:
    """Where each part of a section begins, and the part."""
    if isinstance(section, Mapping):
        yield from ((section.keys[name].start, node) for name, node in section.items.items())
    elif isinstance(section, Sequence):
        yield from ((node.start, node) for node in section.items)


def _ends(node: Node) -> Iterator[int]:
    return (max(scalar.start, scalar.end - 1) for scalar in scalars_of(node))


def _covers(allowance: _Allowance, warning: Problem, stretches: Iterable[_Stretch]) -> bool:
    if (allowance.source.file, allowance.code) != (warning.file, warning.code):
        return False
    if allowance.line == warning.line:
        return True
    return any(
        it.file == warning.file
        and it.first <= warning.line <= it.last
        and it.first <= allowance.line <= it.last
        for it in stretches
    )


def _read(
    source: Source, tree: Mapping, codes: Collection[str], malformed: list[Problem]
) -> Iterator[_Allowance]:
    """The comments of a file that allow something; those that do not say what or why are told."""
    for comment in comments_of(source, tree):
        found = _ALLOW.match(comment.text)
        if found is None:
            continue
        allowance = _Allowance(source, found["code"], comment.line, comment.index)
        if found["code"] not in codes:
            message = f"`{found['code']}` is no code of a warning."
            malformed.append(_problem(allowance, "malformed_allow", message, _SHAPE))
        elif not _BECAUSE.match(found["rest"]):
            message = "The comment does not say why."
            malformed.append(_problem(allowance, "malformed_allow", message, _SHAPE))
        else:
            yield allowance


def _problem(allowance: _Allowance, code: str, message: str, remedy: str) -> Problem:
    line, column = allowance.source.position(allowance.index)
    return Problem(
        file=allowance.source.file,
        line=line,
        column=column,
        path="",
        code=code,
        message=message,
        remedy=remedy,
        severity="warning",
    )
