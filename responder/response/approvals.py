"""Who has to say yes, whether enough have, and what may go by itself."""

from collections.abc import Callable, Collection

from responder.model.action import Attempt, Step
from responder.model.guard import guard_of, verify_of
from responder.response import attempts, making, proposals
from responder.response.brain import Brain
from responder.response.ceilings import ceiling
from responder.response.draft import Draft
from responder.response.earlier import did_not_help, failed_before, no_help_lately, taken_back, unverified_lately
from responder.response.guards import guards_of, namespaces

ADMIN = "admin"
"""The role that may break the glass."""


def needed(brain: Brain, attempt: Attempt) -> int:
    """
    Return how many people must say yes, at least one.

    Each step wants what the guards that bind it say, or where none does what its plugin does; the most of them counts.

    Raises: ValueError for an unreadable guard.
    """

    def own(plugin: str) -> int:
        known = brain.action(plugin)
        return known.approvals if known is not None else 1

    return people(attempt, own)


def people(attempt: Attempt, own: Callable[[str], int]) -> int:
    """Return the same where `own` says how many a plugin wants. Raises: ValueError for an unreadable guard."""
    return max([1, *(_wanted(attempt, step, own) for step in attempt.steps)])


def _wanted(attempt: Attempt, step: Step, own: Callable[[str], int]) -> int:
    guards = (guard_of(written) for written in (attempt.guard, *step.guards))
    said = [guard.approvals for guard in guards if guard.approvals is not None]
    return max(said, default=own(step.plugin))


def roles(attempt: Attempt) -> list[tuple[str, ...]]:
    """Return for each guard that names any the roles that may say yes to it. Raises: ValueError."""
    return [guard.approvers for guard in guards_of(attempt) if guard.approvers]


def in_role(attempt: Attempt) -> str:
    """Say in whose role who says yes has to be: " with the role security"; "" where anybody may, or nobody can tell."""
    try:
        named = dict.fromkeys(" or ".join(group) for group in roles(attempt))
    except ValueError:
        return ""
    return f" with the role {', and with '.join(named)}" if named else ""


def lacks_role(attempt: Attempt, has: Collection[str]) -> str:
    """Say which role is missing to whoever has these for a yes or no; "" when none is. Raises: ValueError."""
    for wanted in roles(attempt):
        if not set(wanted) & set(has):
            return f"it takes somebody with the role {' or '.join(wanted)}"
    return ""


def lacks_role_after(attempt: Attempt, has: Collection[str]) -> str:
    """Say which role it takes to decide about what was done; an admin may always, as with an unreadable guard."""
    if ADMIN in has:
        return ""
    try:
        return lacks_role(attempt, has)
    except ValueError as error:
        return f"its guard cannot be read ({error}): it takes the role {ADMIN}"


def is_enough(draft: Draft, attempt: Attempt) -> bool:
    """Whether enough people have said yes to what it is now."""
    try:
        return len(attempt.approved_by) >= needed(draft.brain, attempt) or _broke_glass(attempt)
    except ValueError:
        return False


def may_go_by_itself(draft: Draft, attempt: Attempt) -> str | None:
    """
    Say whether an attempt goes on without people: "" when it does.

    None when it was never meant to, otherwise why it does not though its mode is `auto`.
    """
    if attempt.mode != "auto" or attempt.proposed_by:
        return None
    for step in attempt.steps:
        mode, why = ceiling(draft.brain, draft.incident, "auto", namespaces(draft, step))
        if mode != "auto":
            return why
        if step.preview is not None and step.preview.owner:
            return f"{step.preview.owner} keeps it as it is and would undo it"
    if attempt.inputs or proposals.declared(draft, attempt.name):
        return "it takes inputs, which a person gives"
    try:
        written = [guard.approvals for guard in guards_of(attempt) if guard.approvals]
        if written or needed(draft.brain, attempt) > 1:
            return f"it needs the yes of {needed(draft.brain, attempt)}"
        again = unverified_lately(draft, attempt)
    except ValueError as error:
        return str(error)
    lately = next(filter(None, (no_help_lately(draft, attempt, step) for step in attempt.steps)), "")
    before = failed_before(draft, attempt) or lately or taken_back(draft, attempt) or again
    return before or _preferred(draft, attempt)


def _leads_on(attempt: Attempt) -> bool:
    """Whether its playbook says that the next alternative shall be tried when it does not help."""
    try:
        return "next" in verify_of(attempt.verify).otherwise
    except ValueError:
        return False


def _broke_glass(attempt: Attempt) -> bool:
    return any(approval.broke_glass for approval in attempt.approvals)


def _preferred(draft: Draft, attempt: Attempt) -> str:
    """Say which better alternative it waits for; "" when none does, or it was told that the next one shall be tried."""
    for name in making.alternatives(draft, attempt)[0]:
        proposal = next((each for each in draft.incident.proposals if each.name == name), None)
        if proposal is None or proposal.mode != "auto":
            continue
        tried = [each for each in draft.incident.attempts if each.name == name]
        if tried and attempts.is_harmless(draft, tried[-1]):
            continue
        if not tried or not did_not_help(tried[-1]) or not _leads_on(tried[-1]):
            return f"{name} comes before it"
    return ""
