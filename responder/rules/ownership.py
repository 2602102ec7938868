"""Which packs belong to which team: each to one, and a team's packs change nobody else's playbooks."""

from collections.abc import Iterable, Mapping

from responder.rules.nodes import Node, Scalar, SequenceNode, Spot, child, key_spot
from responder.rules.problems import Problems, meant


def owners(teams: Iterable[tuple[str, Node]], packs: frozenset[str], problems: Problems) -> Mapping[str, str]:
    """Return the team of each pack that has one; note packs that there are none of, of two teams, or with no place."""
    found: dict[str, str] = {}
    for team, node in teams:
        words = _words(child(node, "packs"))
        for word in words:
            if word.text not in packs:
                problems.error(word.spot, f"no pack is called `{word.text}`", meant(word.text, packs))
            elif found.setdefault(word.text, team) != team:
                message = f"the pack `{word.text}` belongs to the team {found[word.text]} already"
                problems.error(word.spot, message, "a pack belongs to one team")
        if words and not _words(child(node, "namespaces")):
            message = f"the team {team} has packs and no `namespaces`: they could act nowhere"
            problems.error(key_spot(node, ("packs",)), message, 'add `namespaces: ["NAME-.*"]`, where they may act')
    return found


def check_override(*, pack: str, playbook: str, spot: Spot, owned: Mapping[str, str], problems: Problems) -> None:
    """Note an override by a team's pack of a playbook that is not the team's: its actions would have no bounds."""
    team = owned.get(pack)
    if team is not None and owned.get(playbook.partition("/")[0]) != team:
        message = f"the pack `{pack}` of the team {team} overrides `{playbook}`, which is not the team's"
        problems.error(spot, message, "move it to a rule file that is in no team's `packs`")


def _words(node: Node | None) -> tuple[Scalar, ...]:
    items = node.items if isinstance(node, SequenceNode) else (node,)
    return tuple(item for item in items if isinstance(item, Scalar))
