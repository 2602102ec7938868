"""A deployment's own words: its severities, teams with their receivers, escalations."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from responder.errors import ExpressionError
from responder.expressions.schema import Schema
from responder.model.duration import parse_duration
from responder.model.escalation import EscalationStep
from responder.model.matcher import Matcher
from responder.model.receiver import Receiver, Team
from responder.model.severity import DEFAULT_SCALE, BusinessDays, Level, Scale
from responder.plugins.registry import Registry
from responder.rules import parameters
from responder.rules.acting import check_patterns
from responder.rules.compiling import Compiler
from responder.rules.known import Known
from responder.rules.matchers import parse_matcher
from responder.rules.nodes import MappingNode, Node, Scalar, SequenceNode, at, child, scalars
from responder.rules.positions import spot_of
from responder.rules.problems import Problems, meant
from responder.rules.shapes import EscalationShape, LevelShape, TeamShape
from responder.rules.words import business_days

DEFAULT_TEAM = "default"
CONSOLE = Team(DEFAULT_TEAM, receivers={"incidents": Receiver(f"{DEFAULT_TEAM}/incidents", "console")})
"""What a deployment without teams gets."""


def build_scale(shapes: Iterable[LevelShape], node: Node, problems: Problems) -> Scale:
    """Type the levels, noting words that two of them claim."""
    levels: list[Level] = []
    claimed: dict[str, str] = {}
    for index, typed in enumerate(shapes):
        for word in dict.fromkeys((typed.name, *typed.aliases)):
            owner = claimed.setdefault(word.casefold(), typed.name)
            if owner != typed.name:
                problems.error(at(node, index).spot, f"`{word}` means {owner} already", "a word means one level")
        levels.append(_level(typed))
    return Scale(tuple(levels)) if levels else DEFAULT_SCALE


def _level(typed: LevelShape) -> Level:
    return Level(
        name=typed.name,
        aliases=tuple(typed.aliases),
        respond_within=_response(typed.respond_within),
        update_every=typed.update_every,
        notify=tuple(typed.notify),
        escalation=typed.escalation,
    )


def _response(text: str | None) -> timedelta | BusinessDays | None:
    if text is None:
        return None
    if text == "immediately":
        return timedelta(0)
    days = business_days(text)
    return BusinessDays(days) if days is not None else parse_duration(text)


def check_levels(node: Node, escalations: Iterable[str], known: Known) -> None:
    """Note roles and escalations of the levels that there are none of."""
    names = frozenset(escalations)
    for item in node.items if isinstance(node, SequenceNode) else ():
        if (notify := child(item, "notify")) is not None:
            known.check_roles(notify, needed=True)
        word = child(item, "escalation")
        if isinstance(word, Scalar) and word.text not in names:
            known.problems.error(word.spot, f"no escalation is called `{word.text}`", meant(word.text, names))


def build_escalation(shapes: Iterable[EscalationShape], node: Node, known: Known) -> tuple[EscalationStep, ...]:
    """Type the steps of an escalation; their conditions read the incident and its labels."""
    compiler = Compiler(Schema(results={}, vars={}), known.problems)
    for item in node.items if isinstance(node, SequenceNode) else ():
        compiler.condition(child(item, "when"))
        if (notify := child(item, "notify")) is not None:
            known.check_roles(notify, needed=True)
    steps = (EscalationStep(s.after, s.unless, tuple(s.notify), s.when) for s in shapes)
    return tuple(sorted(steps, key=lambda step: step.after))


def build_team(name: str, typed: TeamShape, node: Node, registry: Registry, problems: Problems) -> Team:
    """Type a team; its receivers are checked by their notifiers."""
    check_patterns(child(node, "namespaces"), problems)
    return Team(
        name=name,
        match=read_matchers(child(node, "match"), problems),
        namespaces=tuple(typed.namespaces),
        receivers=dict(_receivers(name, child(node, "receivers"), registry, problems)),
        packs=tuple(dict.fromkeys(typed.packs)),
    )


def _receivers(team: str, node: Node | None, registry: Registry, problems: Problems) -> Iterator[tuple[str, Receiver]]:
    for entry in node.entries if isinstance(node, MappingNode) else ():
        if not isinstance(entry.node, MappingNode):
            continue
        chosen = parameters.choose_only(entry.node, registry.notifiers, what="notifier", problems=problems)
        params = parameters.check(chosen.params, chosen.plugin.Params, problems) if chosen else None
        for _, scalar in scalars(chosen.params) if chosen else ():
            if "${" in scalar.text:
                problems.error(
                    scalar.spot,
                    "a receiver takes no template",
                    "a receiver is one fixed place: give another place a receiver of its own",
                )
        if chosen and params is not None:
            yield entry.key.text, Receiver(f"{team}/{entry.key.text}", chosen.name, params, entry.key.spot.origin)


def read_matchers(node: Node | None, problems: Problems) -> tuple[Matcher, ...]:
    """Read a list of matchers, noting those that are none."""
    found: list[Matcher] = []
    items = node.items if isinstance(node, SequenceNode) else (node,) if node is not None else ()
    for item in (item for item in items if isinstance(item, Scalar)):
        try:
            found.append(parse_matcher(item.text))
        except ExpressionError as error:
            problems.error(spot_of(item, error.offset), f"not a matcher: {error.message}", error.hint)
    return tuple(found)


def roles_of(teams: Iterable[Team]) -> frozenset[str]:
    """Return every role that some team has a receiver for."""
    return frozenset(role for team in teams for role in team.receivers)


def in_order(teams: Mapping[str, Team]) -> tuple[Team, ...]:
    """Return the teams in the file's order with `default` last; it is made up where nobody wrote it."""
    others = [team for name, team in teams.items() if name != DEFAULT_TEAM]
    return (*others, teams.get(DEFAULT_TEAM, CONSOLE))
