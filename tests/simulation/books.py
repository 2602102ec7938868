"""Rules for stories: playbooks put together by chance, and beside them what their guards say, to count it again."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from responder.model.action import Attempt, Mode, Step
from responder.plugins.registry import Registry, discover
from responder.rules.kitchen import Kitchen
from responder.rules.loading import load
from responder.rules.rulebook import Rulebook
from tests.simulation import plugins

VARIANTS = 96
SUGGESTED = 3
TOO_MUCH = 90
_ASKS = f"inputs: {{to: {{type: int, refuse: ['inputs.to >= {TOO_MUCH}']}}}}"
_ASKS_AND_SUGGESTS = f"inputs: {{to: {{type: int, suggest: '{SUGGESTED}', refuse: ['inputs.to >= {TOO_MUCH}']}}}}"
ALERTS = ("A", "B")
OBJECTS = ("api", "api", "db")
_TOLD = """
severities:
  - {name: critical, aliases: [high], notify: [incidents, on-call]}
  - {name: warning, notify: [incidents]}
teams:
  default: {receivers: {incidents: {sim.chat: {}}, on-call: {sim.bell: {}}}}
"""
_UNTOLD = """
severities:
  - {name: critical, aliases: [high], notify: []}
  - {name: warning, notify: []}
"""
"""Messages take half of a story's time, and no law is about them."""
_RULE = """  - name: {name}
    match: ['alertname="{name}"']
    correlate_by: [namespace]
    severity: {{label: severity, otherwise: warning}}
    playbook: {name}
"""
_PLAYBOOK = """  {name}:
    refresh: {refresh}
    diagnose: {{health: {{sim.feel: {{}}}}}}
    conclude:
      - {{name: ill, when: 'health.value > 0.5', say: "It is ill", propose: [keep, {propose}]}}
    actions:
"""


@dataclass(frozen=True)
class Promise:
    """
    What an action says: its guard, the value `to` that it gives, whether a person gives that, whether it is undone.

    Where it may disturb so many pods at most, `blast` is that number; `share` is it in percent.
    """

    to: frozenset[int] = frozenset()
    asks: bool = False
    undo: bool = False
    approvals: int = 0
    roles: tuple[str, ...] = ()
    auto: bool = False
    cooldown: timedelta = timedelta(0)
    per_hour: int = 0
    blast: int = 0
    share: int = 0
    evidence: bool = False


KEEPING = Promise(auto=True, to=frozenset([0]))
"""What the action says that keeps evidence."""


@dataclass(frozen=True)
class Book:
    """Rules ready to be gone by; `promises` are by playbook and action, `by_hand` by playbook and plugin."""

    text: str
    rulebook: Rulebook
    promises: dict[tuple[str, str], Promise]
    by_hand: dict[tuple[str, str], Promise]
    automation: Mode

    def promise(self, playbook: str, attempt: Attempt, step: Step | None = None) -> Promise:
        """Return what binds an attempt, or one of its steps."""
        if attempt.proposed_by:
            return self.by_hand.get((playbook, attempt.name), Promise())
        name = step.name if step is not None else attempt.name
        return KEEPING if name == "keep" else self.promises[playbook, name]


def together(promises: Sequence[Promise]) -> Promise:
    """Bind what a person asks for by all that binds the same action."""
    return Promise(
        approvals=max((each.approvals for each in promises), default=0),
        roles=next((each.roles for each in promises if each.roles), ()),
        cooldown=max((each.cooldown for each in promises), default=timedelta(0)),
        per_hour=min((each.per_hour for each in promises if each.per_hour), default=0),
        blast=min((each.blast for each in promises if each.blast), default=0),
        share=min((each.share for each in promises if each.share), default=0),
        evidence=any(each.evidence for each in promises),
    )


_Promises = dict[tuple[str, str], Promise]


@dataclass
class _Writing:
    rng: Random
    promises: dict[tuple[str, str], Promise] = field(default_factory=dict)
    plugins: dict[tuple[str, str], list[Promise]] = field(default_factory=dict)

    def playbook(self, name: str) -> str:
        rng = self.rng
        names = ["one", "two"][: rng.choice((1, 2, 2))]
        proposed = [*names, *(["both"] if len(names) == 2 and rng.random() < 0.3 else [])]
        rng.shuffle(proposed)
        text = _PLAYBOOK.format(name=name, refresh=rng.choice(("off", "5m")), propose=", ".join(proposed))
        text += "      keep: {sim.keep: {}, mode: auto}\n"
        for action in names:
            text += self._action(name, action)
        if "both" in proposed:
            text += self._sequence(name)
        return text

    def _action(self, playbook: str, name: str) -> str:
        rng = self.rng
        plugin = rng.choice(("switch", "switch", "switch", "make", "mark", "press", "put"))
        mode, to = rng.choice(("auto", "approve", "approve")), rng.randrange(2, 5)
        asks = rng.choice(("", "", "", "", _ASKS, _ASKS_AND_SUGGESTS))
        given = "'${inputs.to}'" if asks else to
        words = [
            f"sim.{plugin}: {{object: {rng.choice(OBJECTS)}, to: {given}}}",
            f"mode: {mode}",
            *filter(None, [asks]),
        ]
        guard, promise = self._guard(mode)
        if guard:
            words.append(f"guard: {{{', '.join(guard)}}}")
        verify = self._verify(plugin in ("switch", "make", "mark")) if rng.random() < 0.5 else ""
        if verify:
            words.append(verify)
        if rng.random() < 0.2:
            words.append("temporary: 30m")
        suggested = frozenset([SUGGESTED] if asks == _ASKS_AND_SUGGESTS else [])
        self.plugins.setdefault((playbook, f"sim.{plugin}"), []).append(promise)
        self.promises[playbook, name] = replace(
            promise,
            to=suggested if asks else frozenset([to]),
            asks=bool(asks),
            undo="undo" in verify,
            auto=promise.auto and not asks,
        )
        return f"      {name}: {{{', '.join(words)}}}\n"

    def _guard(self, mode: str) -> tuple[list[str], Promise]:
        rng, words = self.rng, []
        approvals = rng.choice((0, 0, 1, 2)) if mode == "approve" else 0
        if approvals:
            words.append(f"approvals: {approvals}")
        roles = ("on-call",) if rng.random() < 0.3 else ()
        if roles:
            words.append("approvers: [on-call]")
        cooldown = rng.choice((0, 0, 2, 20))
        if cooldown:
            words.append(f"cooldown: {cooldown}m")
        most = rng.choice((0, 0, 1, 2))
        if most:
            words.append(f"at_most: {most} per 1h")
        blast, share = rng.choice(((0, 0), (0, 0), (1, 0), (2, 0), (0, 50)))
        if blast or share:
            words.append(f"blast_radius: {blast or f'{share}%'}")
        evidence = rng.random() < 0.25
        if evidence:
            words.append("evidence: [keep]")
        if rng.random() < 0.3:
            words.append("when: 'health.value > 0.5'")
        promise = Promise(
            auto=mode == "auto",
            approvals=approvals,
            roles=roles,
            cooldown=timedelta(minutes=cooldown),
            per_hour=most,
            blast=blast,
            share=share,
            evidence=evidence,
        )
        return words, promise

    def _verify(self, undoable: bool) -> str:
        rng = self.rng
        otherwise = rng.choice(("[escalate]", "[next]", "[undo, next]", "[undo, escalate]", "undo"))
        if not undoable:
            otherwise = otherwise.replace("[undo, ", "[").replace("undo", "escalate")
        hold = rng.choice(("", ", hold: 20s"))
        return f"verify: {{until: 'health.value < 0.5'{hold}, within: 1m, otherwise: {otherwise}}}"

    def _sequence(self, playbook: str) -> str:
        mode, blast = self.rng.choice(("auto", "approve")), self.rng.choice((0, 0, 1, 2, 3))
        one, two = self.promises[playbook, "one"], self.promises[playbook, "two"]
        self.promises[playbook, "both"] = Promise(
            approvals=max(one.approvals, two.approvals),
            roles=one.roles or two.roles,
            auto=mode == "auto" and one.auto and two.auto,
            asks=one.asks or two.asks,
            blast=blast,
            to=frozenset(value for each in (one, two) if each.asks for value in each.to),
            evidence=one.evidence or two.evidence,
        )
        guard = f", guard: {{blast_radius: {blast}}}" if blast else ""
        return f"      both: {{do: [one, two], mode: {mode}{guard}}}\n"


@cache
def registry() -> Registry:
    """Return the plugins of stories."""
    return discover([plugins])


@cache
def kitchen() -> Kitchen:
    """Return what evaluates playbooks."""
    return Kitchen(registry())


@cache
def single(plugin: str) -> Book:
    """Write rules with one action, which takes the yes of two people and does not help."""
    undo = "[undo, escalate]" if plugin in ("sim.switch", "sim.make", "sim.mark") else "[escalate]"
    verify = f"{{until: 'health.value < 0.5', within: 20s, otherwise: {undo}}}"
    action = f"      one: {{{plugin}: {{}}, mode: approve, guard: {{approvals: 2}}, verify: {verify}}}\n"
    playbooks = "".join(_PLAYBOOK.format(name=name, refresh="off", propose="one") + action for name in ALERTS)
    playbooks = playbooks.replace("keep, ", "")
    promise = Promise(approvals=2, to=frozenset([2]), undo=undo.startswith("[undo"))
    return _book(_TOLD, playbooks, {(name, "one"): promise for name in ALERTS}, {}, "auto")


@cache
def book(variant: int) -> Book:
    """Write the rules of a variant."""
    writing = _Writing(Random(variant))
    playbooks = "".join(writing.playbook(name) for name in ALERTS)
    head = _UNTOLD if variant % 4 else _TOLD
    by_hand = {key: together(each) for key, each in writing.plugins.items()}
    return _book(head, playbooks, writing.promises, by_hand, "approve" if variant % 6 == 5 else "auto")


def _book(head: str, playbooks: str, promises: _Promises, by_hand: _Promises, automation: Mode) -> Book:
    text = head + "rules:\n" + "".join(_RULE.format(name=name) for name in ALERTS) + "playbooks:\n" + playbooks
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(text)
        rulebook = Rulebook(load([path], registry()).ruleset)
    return Book(text, rulebook, promises, by_hand, automation)
