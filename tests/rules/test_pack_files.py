"""Files that actions name are read with the rules; what is missing or unusable is found then, at its place."""

import asyncio
from pathlib import Path

import pytest

from responder.model import codec
from responder.plugins.registry import Registry
from responder.rules.loading import check, load
from responder.rules.pack_files import MAX_BYTES
from responder.rules.problems import RuleErrors, render
from responder.rules.rule_store import RuleStore
from tests.rules.conftest import Check

NAMED = "metadata: {name: rotate, annotations: {alertmanager-responder/weight: ordinary}}"
JOB = f"apiVersion: batch/v1\nkind: Job\n{NAMED}\nspec: {{note: '${{not.a.template}}'}}\n"
RULES = """
    rules: [{name: r, match: ['alertname="A"'], playbook: p}]
    playbooks:
      p:
        actions:
          rotate: {kubernetes.run_job: {template: TEMPLATE}, mode: approve}
          shed: {kubernetes.apply: {manifest: emergency/shed.yaml}, mode: approve}
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Write a pack whole."""
    folder = tmp_path / "pack"
    for name, text in {
        "rules.yaml": RULES.replace("TEMPLATE", "rotate"),
        "jobs/rotate.yaml": JOB,
        "emergency/shed.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shed}\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def problems(pack: Path, registry: Registry) -> str:
    """Return everything that is wrong, as people read it."""
    return "\n".join(render(problem) for problem in check([pack], registry).problems)


def test_a_playbook_keeps_what_its_files_say_word_by_word(pack: Path, registry: Registry) -> None:
    playbook = load([pack], registry).playbook("pack/p")
    assert set(playbook.files) == {"jobs/rotate.yaml", "emergency/shed.yaml"}
    assert playbook.files["jobs/rotate.yaml"] == JOB
    assert codec.PLAYBOOK.load(codec.PLAYBOOK.dump(playbook)).files == playbook.files


def test_another_text_of_a_file_makes_another_playbook_and_another_version(pack: Path, registry: Registry) -> None:
    before = load([pack], registry)
    (pack / "jobs/rotate.yaml").write_text(JOB + "# more\n")
    after = load([pack], registry)
    assert codec.PLAYBOOK.digest(before.playbook("pack/p")) != codec.PLAYBOOK.digest(after.playbook("pack/p"))
    assert before.ruleset.version != after.ruleset.version


def test_files_are_no_rule_files(pack: Path, registry: Registry) -> None:
    assert check([pack.parent], registry).files == (str(pack / "rules.yaml"),)


def test_a_missing_file_is_an_error_where_it_is_named(pack: Path, registry: Registry) -> None:
    (pack / "jobs/rotate.yaml").unlink()
    told = problems(pack, registry)
    assert f"{pack}/rules.yaml:6:51: error: the file jobs/rotate.yaml cannot be read: No such file" in told
    assert f"looked for: {pack}/jobs/rotate.yaml" in told
    with pytest.raises(RuleErrors):
        load([pack], registry)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "jobs/rotate.yaml:2:1: error: not YAML"),
        ("- a", "a manifest is a mapping"),
        ("", "the file jobs/rotate.yaml is no manifest"),
        ("kind: Job", "apiVersion and kind are missing"),
        ("apiVersion: v1\nkind: Job\n---\nkind: Job", "jobs/rotate.yaml:3"),
        ("x" * (MAX_BYTES + 1), "is larger than 256 KiB"),
    ],
)
def test_a_file_that_holds_no_manifest_is_an_error(pack: Path, registry: Registry, text: str, told: str) -> None:
    (pack / "jobs/rotate.yaml").write_text(text)
    assert told in problems(pack, registry)


def test_the_name_of_a_file_is_written_out(checked: Check) -> None:
    report = checked(rules=RULES.replace("TEMPLATE", '"${labels.alertname}"'))
    assert "the name of a file cannot be a template" in "\n".join(render(problem) for problem in report.problems)


@pytest.mark.parametrize("path", ["../rotate", "/etc/rotate", ".hidden/rotate"])
def test_no_file_outside_of_the_pack_can_be_named(pack: Path, registry: Registry, path: str) -> None:
    (pack / "rules.yaml").write_text(RULES.replace("TEMPLATE", path))
    told = problems(pack, registry)
    assert "rules.yaml:6" in told
    assert "error" in told


async def test_a_changed_file_is_taken_over_while_running(pack: Path, registry: Registry) -> None:
    store = RuleStore([pack], registry)
    stop = asyncio.Event()
    watching = asyncio.create_task(store.watch(stop))
    (pack / "jobs/rotate.yaml").write_text(JOB + "# more\n")
    async with asyncio.timeout(30):
        while "more" not in store.current.playbook("pack/p").files["jobs/rotate.yaml"]:
            await asyncio.sleep(0.02)
    stop.set()
    await watching
