"""Where a pack may act: only in the namespaces of the team that it belongs to. Asked before each proposal, and pure."""

from collections.abc import Iterable, Sequence

from responder.model.playbook import Playbook
from responder.model.receiver import Team
from responder.model.regex import compile_regex

_MOST_SHOWN = 3
"""Namespaces of a team that a reason lists."""


def pack_of(playbook: Playbook) -> str:
    """Return the pack of a playbook's actions: what overrides it, or joins it with readings, changes nothing there."""
    return playbook.name.partition("/")[0]


def outside(*, pack: str, namespaces: Iterable[str], teams: Sequence[Team]) -> str | None:
    """
    Say why a pack may not act in these namespaces; None where it may, as every pack may that belongs to no team.

    A namespace of "" is one that cannot be told: no team's pack may act there. `teams` are those of the newest rules.
    """
    team = next((team for team in teams if pack in team.packs), None)
    if team is None:
        return None
    for namespace in namespaces:
        if not namespace or not any(compile_regex(pattern).fullmatch(namespace) for pattern in team.namespaces):
            where = f"this is {namespace}" if namespace else "this names no namespace"
            return f"pack {pack} belongs to team {team.name}, which may act only in namespaces {_shown(team)}; {where}"
    return None


def _shown(team: Team) -> str:
    more = len(team.namespaces) - _MOST_SHOWN
    return ", ".join(team.namespaces[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
