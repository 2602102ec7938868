"""Puts together what one incident is decided with: its own playbook, and the newest of everything else."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import BaseModel

from responder.engine.controls import STOP, stop_in
from responder.engine.runtime import Rulebook, Runtime
from responder.errors import ConfigError
from responder.model import codec
from responder.model.action import ActionTraits, Run, Stop
from responder.model.incident import Incident
from responder.model.playbook import Playbook
from responder.model.receiver import Receiver
from responder.model.rule import Rule
from responder.model.verdict import Json
from responder.plugins.params import Params
from responder.response.brain import Brain
from responder.store.rows import micros
from responder.store.store import Store, Transaction

_KEPT = 256
"""Playbooks held in memory; all of them are in the store."""

NO_PLAYBOOK = Playbook("built-in/none")
"""For an incident whose rule names none, or whose own is lost: it is shown, and nothing is looked at."""


class Brains:
    """Builds brains. Playbooks stay as they were when their incident opened: they are kept by their digest."""

    def __init__(self, store: Store, runtime: Runtime) -> None:
        self._store = store
        self._runtime = runtime
        self._playbooks: OrderedDict[str, Playbook] = OrderedDict()
        self._digests: OrderedDict[int, tuple[Playbook, str]] = OrderedDict()
        self._rules: tuple[Rulebook, Mapping[str, Rule]] | None = None
        self._stopped = Stop("", runtime.now(), why="automation.stopped is set") if runtime.stopped else None

    async def of(self, incident: Incident) -> Brain:
        """Build the brain of a stored incident, to show it."""
        rows = await self._store.read("control_read", STOP)
        return await self.deciding(incident, None, stop=rows[0][0] if rows else None, usage=())

    async def deciding(
        self, incident: Incident, tx: Transaction | None, *, stop: str | None, usage: Sequence[Run]
    ) -> Brain:
        """Build the brain of a stored incident within a transaction that has read what concerns all incidents."""
        brain = self.with_playbook(await self.playbook(incident, tx))
        standing = self._stopped or stop_in(stop, self._runtime.now())
        return replace(brain, stop=standing, usage=usage, forbidden=self._forbidden(incident))

    async def playbook(self, incident: Incident, tx: Transaction | None = None) -> Playbook:
        """Return the playbook that an incident goes by; within `tx`, if there is one, it is read."""
        playbook = self._playbooks.get(incident.playbook)
        if playbook is None:
            read = tx.fetch if tx is not None else self._store.read
            rows = await read("playbook_read", incident.playbook)
            playbook = codec.PLAYBOOK.load(rows[0][0]) if rows else NO_PLAYBOOK
            self._remember(incident.playbook, playbook)
        return playbook

    def opening(self, rule: Rule, tx: Transaction) -> tuple[Brain, str]:
        """Build the brain of a new incident, keep its playbook, and return the digest under which it is kept."""
        return self.keep(self.newest(rule), tx)

    def keep(self, playbook: Playbook, tx: Transaction) -> tuple[Brain, str]:
        """Build a brain around a playbook that an incident will go by, and keep it; returns its digest too."""
        digest = self._digest(playbook)
        if digest not in self._playbooks:
            self._remember(digest, playbook)
        tx.run("playbook_add", digest, codec.PLAYBOOK.dump(playbook), micros(self._runtime.now()))
        return self.with_playbook(playbook), digest

    def with_playbook(self, playbook: Playbook) -> Brain:
        """Build a brain around a playbook."""
        runtime, rulebook = self._runtime, self._runtime.rulebook()
        rules = self._rules_of(rulebook)

        def receivers(roles: Sequence[str], team: str) -> Sequence[Receiver]:
            return rulebook.receivers(roles, rulebook.team(team))

        return Brain(
            playbook=playbook,
            evaluator=runtime.kitchen.evaluator(playbook),
            scale=rulebook.ruleset.scale,
            receivers=receivers,
            edits=lambda receiver: self._notifier(receiver, "edits", missing=True),
            pages=lambda receiver: self._notifier(receiver, "pages", missing=False),
            plugin_params=self._params,
            command_of=runtime.kitchen.command,
            rule_of=rules.get,
            cluster_known=lambda cluster: cluster in runtime.clusters,
            teams=rulebook.ruleset.teams,
            namespaces_of=runtime.kitchen.namespaces,
            entails=runtime.kitchen.entails,
            weight_of=lambda step, params: runtime.kitchen.weight(step, params, playbook),
            action=self._traits,
            actions=runtime.registry.actions.keys(),
            automation=runtime.automation,
            ceilings=rulebook.ruleset.ceilings,
            dry_run=runtime.dry_run,
            quiet_for=runtime.quiet_for,
            external_url=runtime.external_url,
        )

    def newest(self, rule: Rule) -> Playbook:
        """Return the playbook of a rule as it is now."""
        if not rule.playbook:
            return NO_PLAYBOOK
        try:
            return self._runtime.rulebook().playbook(rule.playbook)
        except ConfigError:
            return NO_PLAYBOOK

    def _notifier(self, receiver: Receiver, trait: str, *, missing: bool) -> bool:
        notifier = self._runtime.registry.notifiers.get(receiver.notifier)
        return bool(getattr(notifier, trait)) if notifier is not None else missing

    def _params(self, plugin: str) -> type[BaseModel]:
        registry = self._runtime.registry
        found = registry.diagnostics.get(plugin) or registry.actions.get(plugin)
        return found.Params if found is not None else _Anything

    def _traits(self, plugin: str) -> ActionTraits | None:
        found = self._runtime.registry.actions.get(plugin)
        if found is None:
            return None
        return ActionTraits(
            once=found.once,
            weight=found.weight,
            lightest=found.lightest,
            undoable=found.undoable,
            approvals=found.approvals,
            until_resolved=found.until_resolved,
            by_hand=found.by_hand,
        )

    def _forbidden(self, incident: Incident) -> tuple[str, ...]:
        """List what the playbooks of its rules forbid now; that binds incidents that opened before, too."""
        rules = self._rules_of(self._runtime.rulebook())
        newest = [self.newest(rules[name]) for name in (incident.rules or (incident.rule,)) if name in rules]
        return tuple(dict.fromkeys(word for playbook in newest for word in playbook.forbid))

    def _rules_of(self, rulebook: Rulebook) -> Mapping[str, Rule]:
        if self._rules is None or self._rules[0] is not rulebook:
            self._rules = (rulebook, {rule.name: rule for rule in reversed(rulebook.ruleset.rules)})
        return self._rules[1]

    def _digest(self, playbook: Playbook) -> str:
        """Digest a playbook once: by identity, as one load of the rules hands out the same object again and again."""
        known = self._digests.get(id(playbook))
        if known is None or known[0] is not playbook:
            known = self._digests[id(playbook)] = (playbook, codec.PLAYBOOK.digest(playbook))
            while len(self._digests) > _KEPT:
                self._digests.popitem(last=False)
        return known[1]

    def _remember(self, digest: str, playbook: Playbook) -> None:
        self._playbooks[digest] = playbook
        while len(self._playbooks) > _KEPT:
            self._playbooks.popitem(last=False)


class _Anything(Params, extra="allow"):
    """Stands for the parameters of a plugin that is not installed any more: the run will say so."""


def find_receiver(rulebook: Rulebook, name: str) -> Receiver | None:
    """Find a receiver by its full name in the newest rules."""
    for team in (*rulebook.ruleset.teams, rulebook.team("default")):
        for receiver in team.receivers.values():
            if receiver.name == name:
                return receiver
    return None


def params_of(receiver: Receiver, model: type[Params]) -> Params:
    """Type a receiver's parameters. Raises: pydantic's ValidationError."""
    written: Mapping[str, Json] = receiver.params
    return model.model_validate(dict(written))
