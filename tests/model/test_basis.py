"""What has moved since people agreed is told so that they understand it."""

from typing import Any

import pytest

from responder.model.basis import moved, since

SPEC = {"replicas": 3, "image": "r/api:41", "env": "#1f0c"}
ANN = "ann approved"
CHANGED = "its spec was changed by argocd-controller at 14:02 UTC since ann approved"
WHO = {"its spec": "argocd-controller at 14:02 UTC"}


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ({"phase": "there"}, {"phase": "ending"}, "phase was there when ann approved, is ending now"),
        ({}, {"uid": "u"}, "uid was not there when ann approved, is u now"),
        ({"generation": 7}, {}, "generation was 7 when ann approved, is not there now"),
        ({}, {"its spec": SPEC}, "its spec was not there when ann approved, is there now"),
        (
            {"its spec": SPEC},
            {"its spec": {**SPEC, "env": "#2f0c"}},
            f"{CHANGED} (env)",
        ),
        (
            {"its spec": SPEC},
            {"its spec": {"replicas": 5, "image": "r/api:42", "env": "#1f0c", "paused": True}},
            f"{CHANGED} (image r/api:41 -> r/api:42, paused, replicas 3 -> 5)",
        ),
    ],
)
def test_a_fact_that_moved_is_told_by_its_parts(was: Any, now: Any, told: str) -> None:
    assert list(moved(was, now, when=ANN, by=WHO)) == [told]


def test_where_nothing_moved_nothing_is_told() -> None:
    assert list(moved({"uid": "u", "its spec": SPEC}, {"its spec": dict(SPEC), "uid": "u"})) == []


def test_who_and_when_are_left_out_where_nobody_knows_them() -> None:
    assert list(moved({"its spec": SPEC}, {"its spec": {**SPEC, "env": "#2"}})) == ["its spec was changed (env)"]
    assert list(moved({"uid": "u"}, {"uid": "v"})) == ["uid was u, is v now"]


def test_who_wrote_it_before_is_not_told_to_have_changed_it() -> None:
    before = {"its spec": "helm at 11:00 UTC", "uid": ""}
    assert since(before, before) == {}
    assert since(before, {**before, "its spec": "helm at 12:00 UTC"}) == {"its spec": "helm at 12:00 UTC"}
    assert since({}, {"its spec": "helm at 11:00 UTC", "uid": ""}) == {"its spec": "helm at 11:00 UTC"}
