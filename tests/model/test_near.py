"""Which word was probably meant."""

import pytest

from responder.model.near import did_you_mean, nearest

KNOWN = ("kubernetes.rollout_undo", "kubernetes.rollout_restart", "kubernetes.scale", "redis.flush_db", "Deployment")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("kubernetes.rolout_undo", "kubernetes.rollout_undo"),
        ("kubernetes.rollback_undo", "kubernetes.rollout_undo"),
        ("rollout-restart", "kubernetes.rollout_restart"),
        ("scale", "kubernetes.scale"),
        ("k8s.scale", "kubernetes.scale"),
        ("redis.flushdb", "redis.flush_db"),
        ("deploymnet", "Deployment"),
        ("frobnicate", ""),
        ("", ""),
    ],
)
def test_a_word_that_is_nearly_known_is_recognised(word: str, meant: str) -> None:
    assert nearest(word, KNOWN) == meant


def test_nothing_is_suggested_where_nothing_is_alike() -> None:
    assert did_you_mean("scal", KNOWN) == " (did you mean kubernetes.scale?)"
    assert did_you_mean("frobnicate", KNOWN) == ""
    assert did_you_mean("x", ()) == ""
