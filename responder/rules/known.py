"""The words that are valid in this deployment: plugins, severities, roles."""

from dataclasses import dataclass

from responder.model.severity import Scale
from responder.plugins.registry import Registry
from responder.rules.nodes import Node, Scalar, SequenceNode
from responder.rules.problems import Problems, meant


@dataclass(frozen=True, slots=True)
class Known:
    """
    What words may mean, and where to complain.

    `roles` are those that some team has a receiver for; `teams` says whether the deployment has written any.
    """

    registry: Registry
    problems: Problems
    scale: Scale
    roles: frozenset[str] = frozenset()
    teams: bool = False

    def severity(self, word: str, node: Node) -> str:
        """Return the name of the level that a word means; "" for no word, or, noted, for one that none knows."""
        if not word:
            return ""
        level = self.scale.lookup(word)
        if level:
            return level.name
        words = [name for level in self.scale.levels for name in (level.name, *level.aliases)]
        self.problems.error(node.spot, f"no severity is called `{word}`", meant(word, words))
        return ""

    def check_roles(self, node: Node, *, needed: bool = False) -> None:
        """
        Note roles that nobody has.

        It is an error where nobody else would be told (`needed`), otherwise a warning: a pack cannot know all
        deployments. A deployment without teams has but one receiver, and nothing is said.
        """
        words = node.items if isinstance(node, SequenceNode) else (node,)
        for word in (item for item in words if isinstance(item, Scalar)):
            if word.text in self.roles or not self.teams:
                continue
            note = self.problems.error if needed else self.problems.warn
            note(word.spot, f"no team has a receiver for the role `{word.text}`", meant(word.text, self.roles))
