"""
What is plain already when a person answers: said at once, while the incident's turn decides everything else.

Nothing that a turn would let pass is refused here.
"""

from responder.model.action import ActionState, Attempt
from responder.model.incident import Incident, Status
from responder.model.press import SHORTEST_DIGEST, Word
from responder.response.answerable import ASKED, RENEWABLE, UNDOABLE, WAITING
from responder.response.approvals import ADMIN, lacks_role, lacks_role_after
from responder.web.answers import Refused
from responder.web.people import Person


def judge(incident: Incident, attempt: Attempt, *, word: Word, by: Person, digest: str) -> str:
    """
    Return the digest that the person agrees to, in full; "" where there is none to agree to.

    Raises: Refused with 403 (a role is missing), 409 (it is over, or shown otherwise by now), 400 (no digest).
    """
    match word:
        case "approve":
            return _yes(incident, attempt, by, digest)
        case "break-glass":
            return _break_glass(incident, attempt, by, digest)
        case "reject":
            _wants(attempt, attempt.state in WAITING)
            if by.name != attempt.proposed_by:
                _wants_role(attempt, by)
        case "undo":
            _wants(attempt, attempt.state in UNDOABLE)
            _lets(lacks_role_after(attempt, by.roles), by)
        case "happened" | "not-happened":
            _wants(attempt, attempt.state is ActionState.IN_DOUBT, "there is no doubt about it: it is")
            _lets(lacks_role_after(attempt, by.roles), by)
    return ""


def _yes(incident: Incident, attempt: Attempt, by: Person, digest: str) -> str:
    _wants_unresolved(incident)
    _wants_role(attempt, by)
    if attempt.state in RENEWABLE:
        return attempt.digest
    _wants(attempt, attempt.state is ActionState.PROPOSED)
    if by.name in attempt.approved_by:
        raise Refused(409, f"{by.name} has said yes already")
    return _agreed(attempt, digest)


def _break_glass(incident: Incident, attempt: Attempt, by: Person, digest: str) -> str:
    _wants_unresolved(incident)
    if ADMIN not in by.roles:
        raise Refused(403, f"breaking the glass takes the role {ADMIN}, which {by.name} has not (people.*.roles)")
    _wants(attempt, attempt.state in ASKED)
    return _agreed(attempt, digest)


def _wants_unresolved(incident: Incident) -> None:
    if incident.status is Status.RESOLVED:
        raise Refused(409, f"{incident.id} is resolved: nothing is begun for it any more")


def _wants_role(attempt: Attempt, by: Person) -> None:
    try:
        missing = lacks_role(attempt, by.roles)
    except ValueError:
        return
    _lets(missing, by)


def _lets(missing: str, by: Person) -> None:
    if missing:
        raise Refused(403, f"{missing}; {by.name} has {', '.join(by.roles) or 'none'}")


def _wants(attempt: Attempt, holds: bool, otherwise: str = "it is") -> None:
    if not holds:
        why = "; ".join(attempt.blocks) or attempt.why
        raise Refused(409, f"{otherwise} {attempt.state}{f': {why}' if why else ''}")


def _agreed(attempt: Attempt, digest: str) -> str:
    if not attempt.digest:
        raise Refused(409, "it is just being looked at what it would do: ask for its preview again in a moment")
    if len(digest) < SHORTEST_DIGEST:
        raise Refused(400, "digest: say what you agree to, by the digest of the preview that you saw")
    if not attempt.digest.startswith(digest):
        raise Refused(409, f"what it would do has changed since that was shown: look again (digest {attempt.digest})")
    return attempt.digest
