"""A set's files to what decides: the rulebook, and Casbin's answers to who may do what."""

from collections.abc import Mapping

from service.adapters.casbin import CasbinAccess, ModelError
from service.app.snapshot import Snapshot
from service.core.rulebook import Rulebook
from service.policyfile.access import Access
from service.policyfile.digest import MODEL_FILE
from service.policyfile.load import load_set
from service.policyfile.problem import PolicyErrors, Problem


def compiled(files: Mapping[str, bytes]) -> Snapshot:
    """A snapshot of a set's files. Raises `PolicyErrors`."""
    loaded = load_set(files)
    access = _access(loaded.access, loaded.rulebook)
    return Snapshot(rulebook=loaded.rulebook, access=access, files=files)


def _access(access: Access, rulebook: Rulebook) -> CasbinAccess:
    by_rank = sorted(rulebook.roles.values(), key=lambda role: role.rank)
    try:
        return CasbinAccess.build(
            permissions=[(line.role, line.object, line.action) for line in access.permissions],
            memberships=[(line.member, line.role, line.site) for line in access.memberships],
            model=access.model,
            roles=[role.id for role in by_rank],
        )
    except ModelError as error:
        raise PolicyErrors([_of_the_model(error)]) from error


def _of_the_model(error: ModelError) -> Problem:
    return Problem(
        file=MODEL_FILE,
        line=1,
        column=1,
        path="",
        code="model_unusable",
        message=f"Casbin cannot use the model: {error}.",
        remedy=f"Mend it, or delete {MODEL_FILE}: the built-in model is used then.",
    )
