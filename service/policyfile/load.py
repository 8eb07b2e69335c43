"""A folder's files to a rulebook and its access list, or to every problem at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from service.core.rulebook import Rulebook
from service.policyfile.access import Access, no_access, read_access
from service.policyfile.cel import Environment
from service.policyfile.compile import compile_draft
from service.policyfile.digest import ACCESS_FILE, MODEL_FILE, digest_version
from service.policyfile.draft import Draft, merge
from service.policyfile.formula import MakeEnvironment
from service.policyfile.modelconf import check_model
from service.policyfile.place import Place
from service.policyfile.problem import PolicyErrors, Problem, in_order, is_error
from service.policyfile.source import Source, decode
from service.policyfile.yamltree import read_tree

SUITE_ENDING = "_test.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet:
    """A set that loads. ``warnings`` do not keep it from deciding.

    ``draft`` knows where everything stands in the files, for whoever has more to say about it.
    """

    rulebook: Rulebook
    draft: Draft
    access: Access
    warnings: tuple[Problem, ...]


def load_set(
    files: Mapping[str, bytes], *, make_environment: MakeEnvironment = Environment
) -> PolicySet:
    """Everything in the files of one set, by relative POSIX path; suites are only digested.

    Pure: reads no disk. Raises `PolicyErrors` with all problems of the set, warnings
    included, if one of them is an error. Where a file is no YAML at all, what it would have
    meant to the others is not guessed: they are read, but not compiled.
    """
    found: list[Problem] = []
    _check_paths(files, found)
    roots = _read_policies(files, found)
    rulebook, draft, access = None, None, Access()
    complete = len(roots) == sum(map(is_policy, files))
    if roots:
        draft = merge(roots, found, complete=complete)
    if draft is not None and complete:
        version = digest_version(files)
        rulebook = compile_draft(
            draft, version=version, make_environment=make_environment, found=found
        )
        access = _read_access(files, draft, found)
    if rulebook is None or draft is None or any(is_error(problem) for problem in found):
        raise PolicyErrors(found)
    return PolicySet(rulebook=rulebook, draft=draft, access=access, warnings=in_order(found))


def load_rulebook(files: Mapping[str, bytes]) -> Rulebook:
    """The rulebook of a set. Raises `PolicyErrors` as `load_set` does."""
    return load_set(files).rulebook


def load_access(files: Mapping[str, bytes]) -> Access:
    """Who may do what in a set. Raises `PolicyErrors` as `load_set` does."""
    return load_set(files).access


def is_suite(path: str) -> bool:
    """Whether a file of a set is a suite."""
    return path.endswith(SUITE_ENDING)


def is_policy(path: str) -> bool:
    """Whether a file of a set holds policy."""
    return path.endswith(".yaml") and not is_suite(path)


def _check_paths(files: Mapping[str, bytes], found: list[Problem]) -> None:
    for path in files:
        name = path.rpartition("/")[2]
        if path.endswith(".yml"):
            problem = Source(path, "").problem(
                0,
                "wrong_ending",
                "A file that ends in .yml is not read.",
                f"Rename it to `{name.removesuffix('.yml')}.yaml`.",
            )
            found.append(problem)
        elif name != path and name in (ACCESS_FILE, MODEL_FILE):
            problem = Source(path, "").problem(
                0, "misplaced_file", f"{name} is read at the top only.", "Move it up, or delete it."
            )
            found.append(problem)


def _read_policies(files: Mapping[str, bytes], found: list[Problem]) -> list[Place]:
    """The policy files that can be read, by path as bytes."""
    paths = sorted(filter(is_policy, files), key=lambda path: path.encode())
    if not paths:
        found.append(
            Source(".", "").problem(
                0,
                "no_policy",
                "The set has no policy file.",
                "Add one that ends in `.yaml` and begins with `remit: 1`.",
            )
        )
    roots = []
    for path in paths:
        source = decode(path, files[path], found)
        tree = read_tree(source, found) if source is not None else None
        if source is not None and tree is not None:
            roots.append(Place(source, tree))
    return roots


def _read_access(files: Mapping[str, bytes], draft: Draft, found: list[Problem]) -> Access:
    if ACCESS_FILE not in files:
        found.append(no_access())
        access = Access()
    else:
        source = decode(ACCESS_FILE, files[ACCESS_FILE], found)
        sites = draft.declared["sites"]
        access = (
            Access()
            if source is None
            else read_access(
                source, roles=draft.declared["roles"], sites=sites or None, found=found
            )
        )
    return replace(access, model=_read_model(files, found))


def _read_model(files: Mapping[str, bytes], found: list[Problem]) -> str | None:
    if MODEL_FILE not in files:
        return None
    source = decode(MODEL_FILE, files[MODEL_FILE], found)
    if source is None:
        return None
    check_model(source, found)
    return source.text
