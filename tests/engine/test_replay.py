"""Actions in replays: decided as ever, answered from the recording or assumed possible, and never done."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from responder.engine import recording
from responder.engine.outcome import outcome_of
from responder.engine.replay import House, Story, replay
from responder.model.action import Mode
from responder.rules.kitchen import Kitchen
from responder.rules.loading import load
from responder.wiring import plugins

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TARGET = "deployment/api in prod"
PREVIEW = {"summary": "restart api", "pods": 2, "at_once": 1, "ready": 3, "replicas": 3, "dry_run": True}
AUTO: dict[str, Any] = {"kubernetes.rollout_restart": {}, "mode": "auto"}
NONE: Mapping[str, Any] = {}
SURE = {"at": "1m", "action": "restart", "by": "ann", "roles": ["on-call"]}


def _rules(folder: Path, action: dict[str, Any], others: Mapping[str, Any]) -> Path:
    playbook = {
        "title": "Errors",
        "target": {"kind": "Deployment", "namespace": "prod", "name": "api"},
        "diagnose": {"rate": {"prometheus.query": {"query": "errors"}}},
        "conclude": [{"name": "high", "when": "rate.value > 0.1", "say": "Errors", "propose": ["restart"]}],
        "actions": {"restart": action, **others},
    }
    document = {
        "rules": [{"name": "errors", "match": ['alertname="Errors"'], "playbook": "errors"}],
        "playbooks": {"errors": playbook},
    }
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def _alert(status: str, ends_at: str) -> bytes:
    alert = {
        "status": status,
        "labels": {"alertname": "Errors"},
        "annotations": {},
        "startsAt": "2026-11-21T09:00:00Z",
        "endsAt": ends_at,
        "generatorURL": "",
        "fingerprint": "a" * 16,
    }
    return json.dumps({"version": "4", "status": status, "receiver": "responder", "alerts": [alert]}).encode()


def _recording(folder: Path, **acts: Any) -> recording.Recording:
    """Write a story of twenty minutes in which the rate falls after five."""
    (folder / "1.json").write_bytes(_alert("firing", "0001-01-01T00:00:00Z"))
    (folder / "2.json").write_bytes(_alert("resolved", "2026-11-21T09:20:00Z"))
    shape = {
        "start": START.isoformat(),
        "deliveries": [{"at": "0s", "body": "1.json"}, {"at": "20m", "body": "2.json"}],
        "diagnostics": {"rate": [{"result": _measured(0.5)}, {"since": "5m", "result": _measured(0.0)}]},
        **acts,
    }
    path = folder / recording.FILE
    path.write_text(yaml.safe_dump(shape, sort_keys=False), encoding="utf-8")
    return recording.load(path)


def _measured(value: float) -> dict[str, Any]:
    top = {"labels": {}, "value": value, "share": 1.0}
    return {"value": value, "series": [{"labels": {}, "value": value}], "top": top, "sum": value, "count": 1}


def _look(**preview: Any) -> dict[str, Any]:
    step = {"plugin": "kubernetes.rollout_restart", "target": TARGET, "preview": {**PREVIEW, **preview}}
    return {"looks": [{"steps": [step]}]}


async def _played(
    folder: Path,
    action: dict[str, Any],
    *,
    mode: Mode = "auto",
    approve_all: bool = False,
    others: Mapping[str, Any] = NONE,
    **acts: Any,
) -> Story:
    registry = plugins()
    house = House(
        rulebook=load([_rules(folder, action, others)], registry),
        kitchen=Kitchen(registry),
        registry=registry,
        automation=mode,
        approve_all=approve_all,
    )
    return await replay(_recording(folder, **acts), house, folder=folder)


def _actions(story: Story) -> Any:
    (incident,) = outcome_of(story, lambda message: "")["incidents"]
    return incident.get("actions", {}).get("restart")


async def test_what_goes_by_itself_would_run_and_what_was_not_recorded_is_said_to_be_assumed(tmp_path: Path) -> None:
    story = await _played(tmp_path, AUTO)
    assert _actions(story) == "would run, approved by rule (auto)"
    (fate,) = story.told[0].fates
    assert (fate.doing, fate.at - START < timedelta(seconds=5)) == (f"kubernetes.rollout_restart on {TARGET}", True)
    assert story.told[0].assumed == ("restart: the recording does not say what it would do: taken as possible",)


@pytest.mark.parametrize(("mode", "fate"), [("approve", "waits for 1 approval"), ("suggest", "only suggested")])
async def test_the_ceiling_of_a_replay_holds(tmp_path: Path, mode: Mode, fate: str) -> None:
    story = await _played(tmp_path, AUTO, mode=mode)
    assert _actions(story).startswith(fate)


@pytest.mark.parametrize(
    ("guard", "preview", "fate"),
    [
        ({"when": "rate.value > 0.9"}, {}, "refused by when: rate.value > 0.9 does not hold"),
        ({"blast_radius": 1}, {}, "refused by blast_radius: it would disturb 2 pods"),
        ({}, {"at_once": 3, "pods": 3}, "refused by blast_radius: no ready pod would be left"),
        ({"never": ["prod"]}, {}, "refused by never: nothing may be done in prod"),
        ({"evidence": ["restart"]}, {}, "refused by evidence: no evidence has been kept yet"),
        ({}, {"refusal": "Responder may not do it"}, "refused by preview: Responder may not do it"),
    ],
)
async def test_each_guard_that_refuses_is_named(
    tmp_path: Path, guard: dict[str, Any], preview: dict[str, Any], fate: str
) -> None:
    story = await _played(tmp_path, {**AUTO, "guard": guard}, actions={"restart": _look(**preview)})
    assert _actions(story).startswith(fate)
    assert story.told[0].assumed == ()


async def test_made_up_people_approve_everything_once_each_and_verification_reads_the_recording(tmp_path: Path) -> None:
    action = {
        **AUTO,
        "mode": "approve",
        "guard": {"approvals": 2, "approvers": ["security"]},
        "verify": {"until": "rate.value < 0.1", "hold": "1m", "within": "10m", "otherwise": ["escalate"]},
    }
    progress = [{"progress": {"say": "api rolled out"}}]
    story = await _played(tmp_path, action, approve_all=True, actions={"restart": {**_look(), "progress": progress}})
    told = "would run, approved by test person, test person 2; then verified: rate.value < 0.1 holds"
    assert _actions(story).startswith(told)
    assert story.told[0].assumed == ()


async def test_what_does_not_help_in_the_recording_did_not_help(tmp_path: Path) -> None:
    verify = {"until": "rate.value < -1.0", "within": "3m", "otherwise": ["escalate"]}
    story = await _played(tmp_path, {**AUTO, "verify": verify})
    assert "; then escalated: rate.value < -1.0 does not hold" in _actions(story)
    assumed = "restart: whether the target is ready was not recorded: taken as ready"
    assert assumed in story.told[0].assumed


async def test_people_say_again_what_was_recorded_of_them(tmp_path: Path) -> None:
    action = {**AUTO, "mode": "approve"}
    yes = await _played(tmp_path, action, answers=[{**SURE, "answer": "yes"}])
    assert _actions(yes) == "would run, approved by ann"
    assert yes.told[0].fates[0].at - START == timedelta(minutes=1)
    no = await _played(tmp_path, action, answers=[{**SURE, "answer": "no", "why": "I am at it"}])
    assert _actions(no) == "waits for 1 approval; then rejected: ann said no: I am at it"
    anew = await _played(tmp_path, action, answers=[{**SURE, "answer": "no"}], approve_all=True)
    assert _actions(anew) == "would run, approved by test person"


async def test_an_answer_that_nobody_asks_for_is_reported(tmp_path: Path) -> None:
    story = await _played(tmp_path, {**AUTO, "mode": "suggest"}, answers=[{**SURE, "answer": "yes"}])
    assert story.missed == ("ann said yes to restart after 1m: nobody was asked then",)
    assert outcome_of(story, lambda message: "")["missed"] == list(story.missed)


async def test_an_action_that_people_asked_for_by_hand_is_asked_for_again(tmp_path: Path) -> None:
    request = {"at": "1m", "by": "bob", "plugin": "kubernetes.scale", "params": {"replicas": 5}}
    yes = {"at": "2m", "action": "kubernetes.scale", "answer": "yes", "by": "ann"}
    story = await _played(tmp_path, {**AUTO, "mode": "suggest"}, mode="approve", requests=[request], answers=[yes])
    (fate, _) = story.told[0].fates
    assert (fate.name, fate.told) == ("kubernetes.scale", "would run, approved by ann")


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        ("failed", "would run, approved by rule (auto); then failed: as recorded: the quota is used up"),
        ("not_done", "would run, approved by rule (auto); then refused: as recorded: the quota is used up"),
        ("in_doubt", "would run, approved by rule (auto); then in doubt when the recording ended"),
    ],
)
async def test_what_became_of_it_then_becomes_of_it_again(tmp_path: Path, status: str, fate: str) -> None:
    outcomes = [{"outcome": {"status": status, "say": "the quota is used up"}}]
    story = await _played(tmp_path, AUTO, actions={"restart": {**_look(), "outcomes": outcomes}})
    first = _actions(story)
    assert (first if isinstance(first, str) else first[0]) == fate


async def test_a_preview_of_something_else_is_not_taken_for_this_one(tmp_path: Path) -> None:
    acts = _look()
    acts["looks"][0]["steps"][0]["target"] = "deployment/web in prod"
    story = await _played(tmp_path, AUTO, actions={"restart": acts})
    assert story.told[0].assumed == ("restart: the recording says what something else would do: taken as possible",)


BEFORE, SCALED, MEDDLED = {"replicas": 3}, {"replicas": 4}, {"replicas": 9}
SEQUENCE: dict[str, Any] = {"do": ["scale", "roll-back"], "mode": "auto"}
STEPS = {
    "scale": {"kubernetes.scale": {"replicas": "+1"}, "mode": "auto"},
    "roll-back": {"kubernetes.rollout_undo": {}, "mode": "auto"},
}


def _sequence(*between: dict[str, Any]) -> dict[str, Any]:
    """Record a sequence on one object whose first step wrote there; the last is what the next one found then."""
    lock = "default/deployment/prod/api"

    def step(plugin: str, spec: dict[str, Any]) -> dict[str, Any]:
        preview = {**PREVIEW, "lock": lock, "basis": {"its spec": spec}}
        return {"plugin": plugin, "target": TARGET, "preview": preview}

    written = {"lock": lock, "before": {"its spec": BEFORE}, "after": {"its spec": SCALED}}
    looks: list[dict[str, Any]] = [
        {"steps": [step("kubernetes.scale", BEFORE), step("kubernetes.rollout_undo", BEFORE)]},
        *({"since": "1s", "first": 1, "steps": [step("kubernetes.rollout_undo", spec)]} for spec in between),
    ]
    outcome = {"status": "done", "say": "scaled to 4", "writes": [written]}
    return {"restart": {"looks": looks, "outcomes": [{"step": 0, "outcome": outcome}]}}


async def test_a_recorded_sequence_on_one_object_that_worked_works_again(tmp_path: Path) -> None:
    story = await _played(tmp_path, SEQUENCE, others=STEPS, actions=_sequence(SCALED))
    assert (_actions(story), story.told[0].assumed) == ("would run, approved by rule (auto)", ())


async def test_what_somebody_wrote_between_two_steps_then_stops_the_sequence_again(tmp_path: Path) -> None:
    story = await _played(tmp_path, SEQUENCE, others=STEPS, actions=_sequence(MEDDLED))
    assert "then failed: only 1 of 2 steps were done" in str(_actions(story))


async def test_a_next_step_that_was_not_recorded_is_assumed_to_find_what_was_approved(tmp_path: Path) -> None:
    story = await _played(tmp_path, SEQUENCE, others=STEPS, actions=_sequence())
    assert _actions(story) == "would run, approved by rule (auto)"
    assert story.told[0].assumed == ("restart: the recording does not say what it would do: taken as possible",)


async def test_a_misspelt_field_of_a_preview_is_found(tmp_path: Path) -> None:
    with pytest.raises(recording.ConfigError, match="there is no refused here"):
        _recording(tmp_path, actions={"restart": _look(refused="no")})
