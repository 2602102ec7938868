"""An incident is decided with its own playbook, and with the newest of everything else."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from responder import actions
from responder.engine.brains import Brains
from responder.model.ceilings import Ceilings
from responder.model.playbook import ActionStep, Playbook
from responder.model.ruleset import RuleSet
from responder.model.target import Target
from responder.plugins.registry import discover
from responder.rules.kitchen import Kitchen
from responder.rules.loading import load
from responder.rules.rulebook import Rulebook
from tests.engine.world import alert, build

TARGET = Target("default", "Deployment", "prod", "api", "api")


def rules(folder: Path, namespaces: str) -> RuleSet:
    pack = folder / "books"
    pack.mkdir(exist_ok=True)
    (pack / "book.yaml").write_text("playbooks: {p: {title: x}}")
    own = folder / "own.yaml"
    own.write_text(f"teams: {{pay: {{namespaces: {namespaces}, packs: books}}}}")
    return load([pack, own], discover([actions])).ruleset


async def test_the_teams_are_those_of_the_newest_rules(tmp_path: Path) -> None:
    world = await build(f"sqlite:///{tmp_path}/x.db", tmp_path / "engine")
    current = Rulebook(rules(tmp_path, "a"))
    runtime = replace(world.runtime, rulebook=lambda: current, kitchen=Kitchen(discover([actions])))
    brains, kept = Brains(world.store, runtime), Playbook("books/p")

    before = brains.with_playbook(kept)
    current = Rulebook(rules(tmp_path, "b"))
    after = brains.with_playbook(kept)

    assert [team.namespaces for team in before.teams] == [("a",), ()]
    assert [team.namespaces for team in after.teams] == [("b",), ()]
    step = ActionStep("job", "kubernetes.run_job")
    assert after.namespaces_of(step, {"template": "x", "namespace": "other"}, TARGET) == ("other",)
    assert after.namespaces_of(ActionStep("both", do=("job",)), {}, TARGET) == ()
    await world.store.close()


async def test_what_binds_actions_is_that_of_the_newest_rules(tmp_path: Path) -> None:
    """Also for an incident that opened before somebody forbade something."""
    world = await build(f"sqlite:///{tmp_path}/x.db", tmp_path / "engine")
    await world.deliver(alert())
    incident = await world.only()
    old = world.runtime.rulebook().ruleset
    playbook = replace(old.playbooks["rules/errors"], forbid=("trial.press",))
    ceilings = Ceilings(namespaces={"prod": "suggest"})
    newest = replace(old, playbooks={**old.playbooks, "rules/errors": playbook}, ceilings=ceilings)
    runtime = replace(world.runtime, rulebook=lambda: Rulebook(newest), dry_run=True, stopped=True)

    brain = await Brains(world.store, runtime).of(incident)

    assert brain.playbook.forbid == ()
    assert (brain.forbidden, brain.ceilings, brain.dry_run) == (("trial.press",), ceilings, True)
    assert brain.stop is not None
    press, switch = brain.action("trial.press"), brain.action("trial.switch")
    assert press is not None
    assert switch is not None
    assert (press.once, press.undoable, switch.once, switch.undoable) == ("doubtful", False, "conditional", True)
    assert brain.action("trial.nothing") is None
    await world.store.close()


async def test_a_message_says_that_automation_is_stopped_at_once_and_until_it_is_over(tmp_path: Path) -> None:
    world = await build(f"sqlite:///{tmp_path}/x.db", tmp_path / "engine")
    await world.deliver(alert())
    brains, incident = Brains(world.store, world.runtime), await world.only()
    stop = await world.engine.controls.stop("bob", until=world.clock.now() + timedelta(minutes=5))
    assert (await brains.of(incident)).stop == stop
    world.clock.forward(minutes=6)
    assert (await brains.of(incident)).stop is None
    await world.store.close()
