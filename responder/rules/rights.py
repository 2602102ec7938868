"""The rights at the Kubernetes API that the loaded rules need, no more: which verbs, where, and who wants them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from responder.model.action import Mode
from responder.model.labels import Labels
from responder.model.playbook import DiagnosticStep, Playbook
from responder.model.resource import BY_KIND, NAMESPACES, NODE_METRICS, NODES, VOLUMES, namespace_of
from responder.model.rule import Rule
from responder.model.ruleset import RuleSet
from responder.model.target import Target
from responder.plugins.registry import Registry
from responder.plugins.rights import Verb
from responder.plugins.scope import scoped
from responder.rules.matching import BUILT_IN_PACK
from responder.rules.reach import World, is_cluster_wide, is_known, is_namespace, why_unknown, worlds
from responder.rules.undertakings import Undertaking, by_hand, undertakings

ASKING = Verb("authorization.k8s.io", "selfsubjectaccessreviews", "create")
"""For `responder doctor`, and actions that cannot be tried; clusters grant it to all who are let in, by default."""
TELLING = Verb("", "events", "create")
"""For the Event on what was changed."""
EVENTS_OF_NO_NAMESPACE = "default"
"""Where the Events of Nodes lie."""

BY_HAND = " by hand"
"""After the name of an action that people shall be able to ask for, in a wish."""

_CLUSTER_WIDE = frozenset(
    {(kind.group, kind.plural) for kind in (NODES, NAMESPACES, VOLUMES, NODE_METRICS)}
    | {(ASKING.group, ASKING.resource)}
)
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
_READING = frozenset({"get", "list", "watch"})


@dataclass(frozen=True, slots=True, order=True)
class Wish:
    """Who wants a right: a plugin in a playbook, for a rule; `everywhere` says why in no certain namespace."""

    plugin: str
    playbook: str
    rule: str = ""
    everywhere: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether people shall be able to ask for it, which the rules do not say."""
        return self.plugin.endswith(BY_HAND)


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource; in a namespace, or with "" in all of them or on what lies in none."""

    verb: Verb
    namespace: str
    wishes: tuple[Wish, ...] = ()

    def __str__(self) -> str:
        """Show as in `kubectl auth can-i`: "list pods/log in prod"."""
        group = f".{self.verb.group}" if self.verb.group else ""
        resource, _, below = self.verb.resource.partition("/")
        shown = f"{self.verb.verb} {resource}{group}{f'/{below}' if below else ''}"
        if self.namespace:
            return f"{shown} in {self.namespace}"
        return shown if is_of_cluster(self.verb) else f"{shown} in every namespace"


@dataclass(frozen=True, slots=True)
class Rights:
    """What looking takes, and what acting takes besides; both in a stable order."""

    reader: tuple[Right, ...]
    actor: tuple[Right, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    What binds the rules from outside: the ceiling of the process, and the labels that tell a cluster from others.

    `manual` are actions that people shall be able to ask for, which the rules do not say.
    """

    automation: Mode = "auto"
    labels: Labels = field(default_factory=dict)
    manual: tuple[str, ...] = ()


def is_of_cluster(verb: Verb) -> bool:
    """Say whether a resource lies in no namespace."""
    return (verb.group, verb.resource.partition("/")[0]) in _CLUSTER_WIDE


def rights(ruleset: RuleSet, registry: Registry, bounds: Bounds) -> Rights:
    """Collect what the rules need; of a playbook that no rule leads to, nothing."""
    reading: dict[tuple[Verb, str], set[Wish]] = {}
    acting: dict[tuple[Verb, str], set[Wish]] = {}
    for rule, playbook in _led_to(ruleset, bounds.labels):
        for world in worlds(rule, playbook):
            for step in playbook.diagnostics:
                _note(reading, _to_look(step, world, registry), Wish(step.plugin, playbook.name, rule.name), rule)
            for one in undertakings(rule, playbook, ruleset, bounds.automation):
                _note(acting, _to_act(one, world, registry), Wish(one.step.plugin, playbook.name, rule.name), rule)
            manual = () if rule.name.startswith(f"{BUILT_IN_PACK}/") else bounds.manual
            for one in by_hand(rule, playbook, ruleset, bounds.automation, manual):
                _note(acting, _to_act(one, world, registry), Wish(f"{one.step.plugin}{BY_HAND}", "", rule.name), rule)
    if reading or acting:
        reading[ASKING, ""] = {Wish("responder doctor", "")}
    return Rights(_ordered(reading), _ordered(acting))


def beyond(actor: Iterable[Right], reader: Iterable[Right]) -> tuple[Right, ...]:
    """Leave out what the reader may do anyway, for one who is both."""
    held = {(right.verb, right.namespace) for right in reader}
    return tuple(r for r in actor if (r.verb, "") not in held and (r.verb, r.namespace) not in held)


def _led_to(ruleset: RuleSet, labels: Labels) -> Iterator[tuple[Rule, Playbook]]:
    """Pair each rule with every playbook that its incidents may have: rules that correlate together share them."""
    sharing: dict[str, list[Rule]] = {}
    for rule in ruleset.rules:
        if all(matcher.matches(labels) for matcher in rule.match if matcher.name in labels):
            sharing.setdefault(rule.correlate_as or rule.name, []).append(rule)
    for rules in sharing.values():
        names = dict.fromkeys(rule.playbook for rule in rules if rule.playbook in ruleset.playbooks)
        for rule in rules:
            yield from ((rule, ruleset.playbooks[name]) for name in names)


def _to_look(step: DiagnosticStep, world: World, registry: Registry) -> Iterator[tuple[Verb, str, str]]:
    plugin = registry.diagnostics.get(step.plugin)
    if plugin is None:
        return
    target = world.aim(step.target)
    why = f"reads about a {target.kind}, whose pods are in any namespace" if is_cluster_wide(target.kind) else ""
    more = (verb for param, verbs in plugin.needs_with.items() if step.params.get(param) for verb in verbs)
    for verb in narrowed((*plugin.needs, *more), target):
        yield verb, namespace_of(target), why


def _to_act(one: Undertaking, world: World, registry: Registry) -> Iterator[tuple[Verb, str, str]]:
    plugin = registry.actions.get(one.step.plugin)
    if plugin is None:
        return
    target = world.aim(one.step.target)
    if plugin.kinds and all(map(is_cluster_wide, plugin.kinds)):
        target = replace(target, kind=min(plugin.kinds))
    params = None if one.by_hand else one.params(world, plugin.Params)
    places = (namespace_of(target),) if params is None else plugin.namespaces(params, target)
    for told in dict.fromkeys(places):
        wanted = plugin.needs if params is None else plugin.needs_in(told, params, target, one.files)
        needs = wanted if plugin.beyond_target else narrowed(wanted, target)
        for namespace in one.bounded(told):
            yield from ((verb, namespace, "") for verb in needs)
            if any(verb.verb not in _READING for verb in needs):
                of_none = is_cluster_wide(target.kind) and not told
                yield TELLING, EVENTS_OF_NO_NAMESPACE if of_none else namespace, ""


def narrowed(needs: Iterable[Verb], target: Target) -> tuple[Verb, ...]:
    """Leave out what the target is not: what is about a Deployment touches no DaemonSet, no revisions and no node."""
    if target.kind not in _WORKLOADS:
        return tuple(needs)
    others = {("apps", BY_KIND[kind].plural) for kind in _WORKLOADS - {target.kind}}
    others.add((NODE_METRICS.group, NODE_METRICS.plural))
    if target.kind == "Deployment":
        others.add(("apps", "controllerrevisions"))
    return tuple(verb for verb in scoped(tuple(needs), target.kind) if (verb.group, verb.resource) not in others)


def _note(
    found: dict[tuple[Verb, str], set[Wish]], needs: Iterable[tuple[Verb, str, str]], wish: Wish, rule: Rule
) -> None:
    for verb, namespace, why in needs:
        if is_of_cluster(verb):
            found.setdefault((verb, ""), set()).add(wish)
        elif not is_known(namespace):
            everywhere = why or why_unknown(rule)
            found.setdefault((verb, ""), set()).add(replace(wish, everywhere=everywhere))
        elif is_namespace(namespace):
            found.setdefault((verb, namespace), set()).add(wish)


def _ordered(found: Mapping[tuple[Verb, str], set[Wish]]) -> tuple[Right, ...]:
    """Sort; what is granted everywhere is not granted once more in a namespace."""
    whole: dict[tuple[Verb, str], set[Wish]] = {}
    for (verb, namespace), wishes in found.items():
        whole.setdefault((verb, "" if (verb, "") in found else namespace), set()).update(wishes)
    keys = sorted(whole, key=lambda key: (key[1], key[0].group, key[0].resource, key[0].verb))
    return tuple(Right(key[0], key[1], tuple(sorted(whole[key]))) for key in keys)
