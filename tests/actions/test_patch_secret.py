"""kubernetes.patch_secret: a value goes from one Secret to another, and nowhere else."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from responder.actions.patch_secret import PatchSecret
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.errors import Missing, PermanentError, Unanswered
from responder.model.secrecy import PLACEHOLDER
from responder.model.target import Target
from tests.actions.packs import at_work, events_of
from tests.actions.rollouts import ATTEMPT, Bench, every, patch, without_marks
from tests.actions.steps import HOSTILE
from tests.servers.kubernetes import KubernetesServer
from tests.servers.kubernetes_cluster import Cluster
from tests.servers.kubernetes_objects import Denial

OLD, NEW = "postgres://old:hunter1@db", "postgres://new:hunter2@replica"
PARAMS: dict[str, Any] = {"name": "api", "key": "url", "from": {"secret": "replica", "key": "url"}}


def secret(name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "data": {k: b64(v) for k, v in data.items()},
    }


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
async def at(cluster: Cluster, writer: KubernetesWriter) -> Bench:
    await cluster.create(secret("api", url=OLD, other="x"))
    await cluster.create(secret("replica", url=NEW))
    return at_work(PatchSecret(), cluster, writer, **PARAMS)


def tells(found: object) -> bool:
    """Whether some text tells one of the values."""
    text = str(found)
    return any(part in text for value in (OLD, NEW) for part in (value, b64(value), "hunter"))


async def test_the_value_is_copied_and_nothing_else_changes(at: Bench) -> None:
    before = await at.object("Secret", "api")

    await at.do()

    after = await at.object("Secret", "api")
    assert after["data"] == {"url": b64(NEW), "other": b64("x")}
    assert after["metadata"]["annotations"] == {ATTEMPT: at.tools.attempt}
    after["data"] = before["data"]
    assert without_marks(after) == without_marks(before)


async def test_no_value_is_shown_stored_or_told(at: Bench, caplog: pytest.LogCaptureFixture) -> None:
    preview = await at.preview()
    done = await at.act(preview)

    assert not tells(preview)
    assert not tells(done)
    assert not tells(events_of(await every(at.cluster, "Event")))
    assert not tells(caplog.text)
    assert done.undo is None
    assert [(change.what, change.before, change.after) for change in preview.changes] == [
        ("key url", "(hidden)", "what key url of secret/replica holds")
    ]


async def test_words_of_the_server_that_quote_a_value_are_not_told(at: Bench, fake: KubernetesServer) -> None:
    preview = await at.preview()
    fake.objects.denials.append(Denial("Secret", f"the value {NEW} ({b64(NEW)}) is forbidden", code=422))

    refused = await at.preview()
    with pytest.raises(PermanentError) as caught:
        await at.act(preview)

    assert refused.refusal
    assert not tells(refused.refusal)
    assert not tells(caught.value)
    assert caught.value.__cause__ is None


async def test_a_second_try_after_a_lost_answer_changes_nothing(at: Bench, fake: KubernetesServer) -> None:
    preview = await at.preview()
    fake.lost = ["secrets/api"]
    with pytest.raises(Unanswered) as caught:
        await at.act(preview)
    fake.lost.clear()
    after = await at.object("Secret", "api")

    assert not tells(caught.value)
    assert (await at.act(preview, retry=True)).status == "done"
    assert await at.object("Secret", "api") == after


@pytest.mark.parametrize("name", ["api", "replica"])
async def test_a_secret_that_changed_after_the_approval_is_left_alone(at: Bench, name: str) -> None:
    preview = await at.preview()
    await patch(at.cluster, "Secret", name, {"data": {"url": b64("another")}})

    told = await at.act(preview)

    assert told.status == "not_done"
    assert (await at.object("Secret", "api"))["data"]["url"] != b64(NEW)


async def test_what_cannot_be_copied_is_refused(at: Bench) -> None:
    absent = at_work(PatchSecret(), at.cluster, at.tools.kubernetes, **PARAMS | {"from": {"secret": "x", "key": "url"}})
    with pytest.raises(Missing):
        await absent.preview()
    no_key = at_work(PatchSecret(), at.cluster, at.tools.kubernetes, **PARAMS | {"from": {"secret": "api", "key": "y"}})
    assert "There is no key y" in (await no_key.preview()).refusal
    same = at_work(PatchSecret(), at.cluster, at.tools.kubernetes, **PARAMS | {"from": {"secret": "api", "key": "url"}})
    assert "nothing would change" in (await same.preview()).refusal


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_name_is_no_name(value: str) -> None:
    for field in ("name", "key"):
        with pytest.raises(ValueError, match=field):
            PatchSecret.Params.model_validate(PARAMS | {field: value})
    for field in ("secret", "key"):
        with pytest.raises(ValueError, match=field):
            PatchSecret.Params.model_validate(PARAMS | {"from": {"secret": "a", "key": "b"} | {field: value}})


# --- a value that a person gives ---

GIVEN: dict[str, Any] = {"name": "api", "key": "url", "value": NEW}


async def test_a_value_that_a_person_gives_is_set_and_told_nowhere(
    cluster: Cluster, writer: KubernetesWriter, caplog: pytest.LogCaptureFixture
) -> None:
    await cluster.create(secret("api", url=OLD, other="x"))
    bench = at_work(PatchSecret(), cluster, writer, **GIVEN | {"value": PLACEHOLDER})
    preview = await bench.preview()
    done = await at_work(PatchSecret(), cluster, writer, **GIVEN).act(preview)

    assert (await bench.object("Secret", "api"))["data"] == {"url": b64(NEW), "other": b64("x")}
    assert (preview.dry_run, done.status) == (True, "done")
    assert not any(tells(told) for told in (preview, done, events_of(await every(cluster, "Event")), caplog.text))
    assert not tells(repr(PatchSecret.Params.model_validate(GIVEN)))


async def test_whether_a_value_is_the_one_there_already_is_told_to_nobody(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await cluster.create(secret("api", url=NEW))
    bench = at_work(PatchSecret(), cluster, writer, **GIVEN)
    other = at_work(PatchSecret(), cluster, writer, **GIVEN | {"value": OLD})
    assert replace(await bench.preview(), basis={}) == replace(await other.preview(), basis={})
    assert (await bench.act(await bench.preview())).status == "done"


async def test_a_given_value_is_not_written_once_the_secret_has_changed(
    cluster: Cluster, writer: KubernetesWriter
) -> None:
    await cluster.create(secret("api", url=OLD))
    bench = at_work(PatchSecret(), cluster, writer, **GIVEN)
    preview = await bench.preview()
    await patch(cluster, "Secret", "api", {"data": {"url": b64("another")}})
    assert (await bench.act(preview)).status == "not_done"
    assert (await bench.object("Secret", "api"))["data"]["url"] == b64("another")


def test_what_a_person_would_type_reads_the_value_and_tells_none() -> None:
    lines = PatchSecret().command(PatchSecret.Params.model_validate(GIVEN), Target("default", namespace="prod"))
    assert lines[0] == "value=$(base64 | tr -d '\\n')"
    assert not tells(lines)


@pytest.mark.parametrize("more", [{"from": {"secret": "replica", "key": "url"}}, {"value": None}])
def test_exactly_one_of_from_and_value_is_taken(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="one of them"):
        PatchSecret.Params.model_validate(GIVEN | more)
