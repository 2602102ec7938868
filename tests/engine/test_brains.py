"""An incident is decided with its own playbook, and with the newest of everything else."""

from dataclasses import replace
from pathlib import Path

from responder import actions
from responder.engine.brains import Brains
from responder.model.playbook import ActionStep, Playbook
from responder.model.ruleset import RuleSet
from responder.model.target import Target
from responder.plugins.registry import discover
from responder.rules.kitchen import Kitchen
from responder.rules.loading import load
from responder.rules.rulebook import Rulebook
from tests.engine.world import build

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
