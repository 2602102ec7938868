"""Puts all files together to one set: scale and teams first, then playbooks with their overrides, then rules."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from responder.model.ceilings import Ceilings
from responder.model.escalation import EscalationStep
from responder.model.playbook import Playbook
from responder.model.receiver import Team
from responder.model.rule import Rule
from responder.model.ruleset import RuleSet
from responder.model.severity import DEFAULT_SCALE, Scale
from responder.plugins.registry import Registry
from responder.rules import ceilings as bounds
from responder.rules import deployment, matching, ownership, playbooks
from responder.rules.diagnosis import with_related
from responder.rules.known import Known
from responder.rules.merging import overridden, with_sets
from responder.rules.nodes import MappingNode, Node, Scalar, SequenceNode, at, child, key_spot
from responder.rules.packs import RuleSource
from responder.rules.playbook_shapes import OverrideShape
from responder.rules.playbooks import Built
from responder.rules.problems import Problems, meant
from responder.rules.shapes import RuleFile
from responder.rules.shaping import shape


@dataclass(frozen=True, slots=True)
class Typed:
    """One file whose grammar was checked; `node` is what is left of it."""

    pack: str
    shape: RuleFile
    node: Node


@dataclass(frozen=True, slots=True)
class Assembly:
    """The set, and by full name the playbooks with their trees."""

    ruleset: RuleSet
    built: Mapping[str, Built] = field(default_factory=dict)


def assemble(sources: Sequence[RuleSource], registry: Registry, problems: Problems) -> Assembly:
    """Type all files together, noting everything that is wrong; the set is of use only where nothing is."""
    files = [_typed(source, source.tree, problems) for source in sources if source.tree is not None]
    packs = frozenset(source.pack for source in sources)
    return _Assembler([item for item in files if item], packs, registry, problems).run(_version(sources))


def _typed(source: RuleSource, tree: MappingNode, problems: Problems) -> Typed | None:
    shaped = shape(tree, RuleFile, problems)
    return Typed(source.pack, *shaped) if shaped else None


def _version(sources: Iterable[RuleSource]) -> str:
    total = sha256()
    for source in sources:
        total.update(f"{source.pack}\0{source.digest}\n".encode())
    return total.hexdigest()[:16]


def _with_files(version: str, playbooks: Mapping[str, Playbook]) -> str:
    """Let the version tell the files that actions name, too."""
    files = sorted((name, *file) for name, playbook in playbooks.items() for file in playbook.files.items())
    return sha256(repr((version, files)).encode()).hexdigest()[:16] if files else version


@dataclass(slots=True)
class _Assembler:
    files: list[Typed]
    packs: frozenset[str]
    registry: Registry
    problems: Problems
    owners: Mapping[str, str] = field(default_factory=dict)
    nodes: dict[str, MappingNode] = field(default_factory=dict)
    built: dict[str, Built] = field(default_factory=dict)
    variants: dict[str, list[tuple[tuple[Any, ...], str]]] = field(default_factory=dict)

    def run(self, version: str) -> Assembly:
        teams, scale = self.teams(), self.scale()
        written = any(item.shape.teams for item in self.files)
        known = Known(self.registry, self.problems, scale, deployment.roles_of(teams), written)
        escalations = self.escalations(known)
        self.playbooks(known)
        rules = self.rules(known)
        self.check_labels(rules)
        self.check_confidential(rules)
        unmatched = Playbook(matching.UNMATCHED, diagnostics=with_related((), self.registry))
        whole = {name: item.playbook for name, item in self.built.items()} | {unmatched.name: unmatched}
        last = matching.built_in_rules(scale)
        version = _with_files(version, whole)
        ceilings = self.ceilings(rules, known)
        return Assembly(RuleSet(version, (*rules, *last), whole, scale, teams, escalations, ceilings), self.built)

    def scale(self) -> Scale:
        written = [item for item in self.files if item.shape.severities is not None]
        for item in written[1:]:
            spot = key_spot(item.node, ("severities",))
            self.problems.error(spot, "the severities stand in another file already", _place(written[0], "severities"))
        if not written:
            return DEFAULT_SCALE
        first = written[0]
        return deployment.build_scale(first.shape.severities or (), at(first.node, "severities"), self.problems)

    def ceilings(self, rules: Sequence[Rule], known: Known) -> Ceilings:
        """Type what bounds every action; a team's pack has no word in that."""
        found: dict[str, Typed] = {}
        for item in self.files:
            for key in (key for key in ("ceilings", "guard") if getattr(item.shape, key) is not None):
                spot = key_spot(item.node, (key,))
                if item.pack in self.owners:
                    message = f"the pack `{item.pack}` of the team {self.owners[item.pack]} sets `{key}` for everybody"
                    self.problems.error(spot, message, "move it to a rule file that is in no team's `packs`")
                if key in found:
                    self.problems.error(spot, f"`{key}` stands in another file already", _place(found[key], key))
                found.setdefault(key, item)
        ceilings, guard = found.get("ceilings"), found.get("guard")
        return bounds.build(
            ceilings.shape.ceilings if ceilings else None,
            guard.shape.guard if guard else None,
            nodes=(at(ceilings.node, "ceilings") if ceilings else None, at(guard.node, "guard") if guard else None),
            rules=[rule.name for rule in rules],
            known=known,
        )

    def teams(self) -> tuple[Team, ...]:
        teams: dict[str, Team] = {}
        for item, name, typed, node in self.each("teams"):
            if name in teams:
                spot = key_spot(item.node, ("teams", name))
                self.problems.error(spot, f"the team `{name}` stands in another file already")
            teams[name] = deployment.build_team(name, typed, node, self.registry, self.problems)
        written = ((name, node) for _, name, _, node in self.each("teams"))
        self.owners = ownership.owners(written, self.packs, self.problems)
        return deployment.in_order(teams)

    def escalations(self, known: Known) -> Mapping[str, tuple[EscalationStep, ...]]:
        found: dict[str, tuple[EscalationStep, ...]] = {}
        for item, name, typed, node in self.each("escalations"):
            if name in found:
                spot = key_spot(item.node, ("escalations", name))
                self.problems.error(spot, f"the escalation `{name}` stands in another file already")
            found[name] = deployment.build_escalation(typed, node, known)
        for item in self.files:
            if item.shape.severities is not None:
                deployment.check_levels(at(item.node, "severities"), found, known)
        return found

    def each(self, section: str) -> Iterator[tuple[Typed, str, Any, Node]]:
        """Walk over the entries of a section in all files."""
        for item in self.files:
            for name, typed in getattr(item.shape, section).items():
                yield item, name, typed, at(item.node, section, name)

    def playbooks(self, known: Known) -> None:
        self.collect()
        plain: dict[str, MappingNode] = dict(self.nodes)
        conditional: list[tuple[str, MappingNode]] = []
        for name, override, typed in self.overrides():
            if typed.when:
                conditional.append((name, override))
            else:
                plain[name] = overridden(plain[name], override, self.problems)
        for name, node in plain.items():
            self.build(name, node, known)
        for name, override in conditional:
            matchers = deployment.read_matchers(child(override, "when"), self.problems)
            variant = f"{name} where {', '.join(str(matcher) for matcher in matchers)}"
            self.build(variant, overridden(plain[name], override, self.problems), known)
            self.variants.setdefault(name, []).append((matchers, variant))

    def build(self, name: str, node: MappingNode, known: Known) -> None:
        built = playbooks.build(name, node, node.spot, known)
        if built:
            self.built[name] = built

    def collect(self) -> None:
        sets = {f"{item.pack}/{name}": node for item, name, _, node in self.each("sets")}
        for item, name, typed, node in self.each("playbooks"):
            full = f"{item.pack}/{name}"
            if full in self.nodes:
                spot = key_spot(item.node, ("playbooks", name))
                self.problems.error(spot, f"the playbook `{name}` stands in another file already")
            if isinstance(node, MappingNode):
                used = [_full(word, item.pack) for word in typed.use]
                self.check_sets(node, used, sets, item.pack)
                brought = (below for word in used if isinstance(below := sets.get(word), MappingNode))
                self.nodes[full] = with_sets(node, brought)
            else:
                self.nodes[full] = MappingNode(node.spot)

    def check_sets(self, node: Node, used: list[str], sets: Mapping[str, Node], pack: str) -> None:
        words = at(node, "use")
        items = words.items if isinstance(words, SequenceNode) else (words,)
        for item, full in zip(items, used, strict=False):
            if full not in sets:
                known = [name.removeprefix(f"{pack}/") for name in sets]
                self.problems.error(item.spot, f"no set is called `{_text(item)}`", meant(_text(item), known))

    def overrides(self) -> Iterator[tuple[str, MappingNode, OverrideShape]]:
        for item, name, typed, node in self.each("override"):
            spot = key_spot(item.node, ("override", name))
            if name not in self.nodes:
                self.problems.error(spot, f"no playbook is called `{name}`", meant(name, self.nodes))
                continue
            ownership.check_override(
                pack=item.pack, playbook=name, spot=spot, owned=self.owners, problems=self.problems
            )
            nodes = node.items if isinstance(node, SequenceNode) else (node,)
            for override, below in zip(typed, nodes, strict=True):
                if isinstance(below, MappingNode):
                    yield name, below, override

    def rules(self, known: Known) -> tuple[Rule, ...]:
        rules: list[Rule] = []
        names: set[str] = set()
        for item in self.files:
            for index, typed in enumerate(item.shape.rules):
                node = at(item.node, "rules", index)
                name = f"{item.pack}/{typed.name}"
                if name in names:
                    spot = at(node, "name").spot
                    self.problems.error(spot, f"a second rule of the pack is called `{typed.name}`")
                names.add(name)
                playbook = self.playbook_of(typed.playbook, node, item.pack)
                rule = matching.build_rule(name, typed, node, playbook, known)
                self.check_purpose(rule, typed.playbook, node)
                self.check_shadow(rule, rules, node)
                rules += [*self.derived(rule), rule]
        return tuple(rules)

    def derived(self, rule: Rule) -> Iterator[Rule]:
        """Put a rule with narrower matchers before one whose playbook an override changes for some incidents."""
        for matchers, variant in self.variants.get(rule.playbook, ()):
            yield replace(rule, match=(*rule.match, *matchers), playbook=variant)

    def playbook_of(self, word: str, node: Node, pack: str) -> str:
        if not word:
            return ""
        full = _full(word, pack)
        if full not in self.nodes:
            known = [name.removeprefix(f"{pack}/") for name in self.nodes]
            self.problems.error(at(node, "playbook").spot, f"no playbook is called `{word}`", meant(word, known))
        return full

    def check_purpose(self, rule: Rule, playbook: str, node: Node) -> None:
        given = [bool(playbook), rule.heartbeat is not None, rule.record_only]
        if sum(given) != 1:
            spot = at(node, "name").spot
            self.problems.error(spot, "a rule has one of `playbook`, `heartbeat`, `record_only: true`")

    def check_shadow(self, rule: Rule, earlier: list[Rule], node: Node) -> None:
        other = matching.shadowed_by(rule, earlier)
        if other:
            hint = f"{other.name} at {other.origin} takes all of them before; put this one first"
            self.problems.warn(node.spot, f"the rule {rule.name} can never match", hint)

    def check_labels(self, rules: Sequence[Rule]) -> None:
        """Warn of labels that a playbook reads and that some rule leading to it does not guarantee."""
        for rule in rules:
            built = self.built.get(rule.playbook)
            sure = matching.guaranteed(rule)
            for use in built.label_uses if built else ():
                if use.label not in sure:
                    message = f"the label `{use.label}` may be missing in incidents of the rule {rule.name}"
                    hint = f'add it to correlate_by, match it with `=`, or write label("{use.label}", "...")'
                    self.problems.warn(use.spot, message, hint)

    def check_confidential(self, rules: Sequence[Rule]) -> None:
        """Warn of a confidential playbook that everybody is told about."""
        for rule in rules:
            built = self.built.get(rule.playbook)
            if built and built.playbook.confidential and not (built.playbook.notify_only or rule.notify_only):
                message = f"confidential, but incidents of the rule {rule.name} are told to everybody"
                self.problems.warn(key_spot(built.node, ("confidential",)), message, "add `notify: {only: [ROLE]}`")


def _full(word: str, pack: str) -> str:
    return word if "/" in word else f"{pack}/{word}"


def _text(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _place(item: Typed, key: str) -> str:
    return f"at {key_spot(item.node, (key,)).origin}"
