"""Evidence is kept whole, once, under its incident, readable by nobody else: in a folder or a bucket."""

import asyncio
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from responder.clients.evidence import BLOCK, EvidenceRoom, Folder
from responder.clients.evidence_bucket import PART, BucketShelf
from responder.errors import NotLetIn, PermanentError, TransientError
from responder.model.action import Kept
from responder.settings.acting import Bucket
from tests.servers.processes import free_port
from tests.servers.s3 import Buckets
from tests.servers.web import WebServers

CONTENT = bytes(range(256)) * 100


def room(shelf: Folder | BucketShelf, *, max_size: int = 1_000_000, incident: str = "INC-17") -> EvidenceRoom:
    return EvidenceRoom(shelf, incident, max_size)


async def test_a_file_lies_under_its_incident_and_is_ours_alone(tmp_path: Path) -> None:
    kept = await room(Folder(tmp_path / "evidence")).keep("heap.hprof", CONTENT, cut=True)
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    assert (kept.name, kept.sha256, kept.size, kept.cut) == ("heap.hprof", sha256, len(CONTENT), True)
    place = Path(kept.place)
    assert place == tmp_path / "evidence" / "INC-17" / f"{sha256[:16]}-heap.hprof"
    assert place.read_bytes() == CONTENT
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in list(place.parents)[:2]] == [0o700, 0o700]


async def test_the_same_is_kept_once_and_the_other_beside_it(tmp_path: Path) -> None:
    kept = [await room(Folder(tmp_path)).keep("a.log", content) for content in (b"one", b"one", b"two")]
    assert kept[0] == kept[1]
    assert len(list((tmp_path / "INC-17").iterdir())) == 2
    assert {Path(one.place).read_bytes() for one in kept} == {b"one", b"two"}


async def test_a_file_that_was_cut_short_is_written_again(tmp_path: Path) -> None:
    kept = await room(Folder(tmp_path)).keep("a.log", CONTENT)
    Path(kept.place).write_bytes(CONTENT[:10])
    await room(Folder(tmp_path)).keep("a.log", CONTENT)
    assert Path(kept.place).read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "INC-17").iterdir()] == [Path(kept.place).name]


async def test_many_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    kept = await asyncio.gather(*(room(Folder(tmp_path)).keep("a.log", CONTENT) for _ in range(10)))
    assert len({one.place for one in kept}) == 1
    assert len(list((tmp_path / "INC-17").iterdir())) == 1


async def test_beyond_the_limit_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"heap has 11, more than evidence\.max_size \(10\)"):
        await room(Folder(tmp_path), max_size=10).keep("heap", b"x" * 11)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b", "..", "", "a\x00b", "\n", "x" * 5000])
async def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    kept = await room(Folder(tmp_path / "e")).keep(name, b"x")
    assert Path(kept.place).parent == tmp_path / "e" / "INC-17"
    assert Path(kept.place).resolve().is_relative_to(tmp_path / "e" / "INC-17")


async def test_no_incident_leads_out_of_the_folder(tmp_path: Path) -> None:
    kept = await room(Folder(tmp_path / "e"), incident="../x/..").keep("a", b"x")
    assert Path(kept.place).parent.parent == tmp_path / "e"


async def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PermanentError, match="evidence cannot be written to"):
        await room(Folder(tmp_path / "file")).keep("a", b"x")


def aged(place: Path, *, days: float) -> None:
    at = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    os.utime(place, (at, at), follow_symlinks=False)


async def test_old_files_go_and_those_of_spared_incidents_and_of_others_stay(tmp_path: Path) -> None:
    folder, before = Folder(tmp_path / "e"), datetime.now(UTC) - timedelta(days=90)
    old, young, spared = [
        Path((await room(folder, incident=incident).keep(name, name.encode())).place)
        for incident, name in (("INC-17", "old"), ("INC-17", "young"), ("INC-18", "spared"))
    ]
    half = old.with_name(".0123456789abcdef.part")
    theirs, elsewhere = old.with_name("notes.txt"), tmp_path / "e" / "theirs" / old.name
    linked, outside = tmp_path / "e" / "INC-19", tmp_path / "outside"
    elsewhere.parent.mkdir()
    outside.mkdir()
    linked.symlink_to(outside)
    for place in (half, theirs, elsewhere, outside / old.name):
        place.write_text("x")
    for place in (old, spared, half, theirs, elsewhere, outside / old.name):
        aged(place, days=91)
    aged(young, days=89)
    assert await folder.sweep(before, ["INC-18"]) == 2
    assert [place.exists() for place in (old, half)] == [False, False]
    assert all(place.exists() for place in (young, spared, theirs, elsewhere, outside / old.name))
    theirs.unlink()
    aged(young, days=100)
    assert await folder.sweep(before, []) == 2
    assert [place.exists() for place in (old.parent, spared.parent, elsewhere)] == [False, False, True]
    assert await Folder(tmp_path / "nowhere").sweep(before, []) == 0


def bucket(url: str, **more: str) -> BucketShelf:
    given = {"bucket": "evidence", "region": "eu-central-1", "access_key": "AKIDEXAMPLE", "secret_key": "hush-secret"}
    values = given | more
    return BucketShelf(
        Bucket(
            endpoint=url,
            bucket=values["bucket"],
            region=values["region"],
            access_key=SecretStr(values["access_key"]),
            secret_key=SecretStr(values["secret_key"]),
        ),
        deadline=timedelta(seconds=5),
    )


async def test_a_bucket_takes_a_file_once_signed_and_with_its_checksum(web_servers: WebServers) -> None:
    server = Buckets()
    url = await web_servers.serve(server)
    for _ in range(2):
        kept = await room(bucket(url)).keep("heap dump.hprof", CONTENT)
    path = f"INC-17/{kept.sha256[:16]}-heap_dump.hprof"
    assert kept.place == f"s3://evidence/{path}"
    assert server.objects == {path: CONTENT}
    assert server.puts == 2


@pytest.mark.parametrize("large", [6 * 1024 * 1024])
async def test_a_large_file_goes_in_one_piece(web_servers: WebServers, large: int) -> None:
    server = Buckets()

    async def serve(request: object) -> object:
        request._client_max_size = 2 * large  # type: ignore[attr-defined]
        return await server(request)  # type: ignore[arg-type]

    await room(bucket(await web_servers.serve(serve)), max_size=large).keep("heap", b"x" * large)  # type: ignore[arg-type]
    assert [len(content) for content in server.objects.values()] == [large]


async def large(web_servers: WebServers, server: Buckets) -> BucketShelf:
    """Serve a bucket that takes large requests."""

    async def serve(request: object) -> object:
        request._client_max_size = 2 * PART  # type: ignore[attr-defined]
        return await server(request)  # type: ignore[arg-type]

    return bucket(await web_servers.serve(serve))  # type: ignore[arg-type]


async def drafted(room: EvidenceRoom, pieces: Iterable[bytes]) -> Kept:
    async with room.begin("heap.hprof") as draft:
        for piece in pieces:
            await draft.write(piece)
        return await draft.keep(cut=True)


@pytest.mark.parametrize("pieces", [[], [b"a"], [CONTENT] * 3, [bytes(32 * 1024)] * 100])
async def test_a_file_that_comes_piece_by_piece_is_kept_as_one_that_came_whole(
    tmp_path: Path, pieces: list[bytes]
) -> None:
    found = room(Folder(tmp_path), max_size=10**7)
    kept = await drafted(found, pieces)
    assert kept == replace(await found.keep("heap.hprof", b"".join(pieces)), cut=True)
    assert await drafted(found, pieces) == kept
    assert [path.name for path in (tmp_path / "INC-17").iterdir()] == [Path(kept.place).name]
    assert stat.S_IMODE(Path(kept.place).stat().st_mode) == 0o600


async def test_what_has_come_is_on_the_disk_and_not_in_memory(tmp_path: Path) -> None:
    async with room(Folder(tmp_path), max_size=10**8).begin("heap.hprof") as draft:
        for _ in range(200):
            await draft.write(bytes(32 * 1024))
        (beginning,) = (tmp_path / "INC-17").iterdir()
        assert draft.size - beginning.stat().st_size < BLOCK


async def test_what_is_not_kept_is_gone(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"heap\.hprof has more than evidence\.max_size \(10\)"):
        await drafted(room(Folder(tmp_path), max_size=10), [b"x" * 11])
    async with room(Folder(tmp_path)).begin("a") as draft:
        await draft.write(b"x")
    assert list((tmp_path / "INC-17").iterdir()) == []


async def test_a_large_file_goes_to_a_bucket_in_parts_and_once(
    web_servers: WebServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    server = Buckets()
    found = room(await large(web_servers, server), max_size=10**8)
    pieces = [bytes([number]) * 1024 * 1024 for number in range(20)]
    kept = [await drafted(found, pieces) for _ in range(2)]
    assert kept[0] == kept[1]
    assert server.objects == {kept[0].place.removeprefix("s3://evidence/"): b"".join(pieces)}
    assert sorted(server.sizes) == [4 * 1024 * 1024, PART, PART]
    assert (server.parts, list(tmp_path.iterdir())) == ({}, [])


async def test_a_small_draft_goes_to_a_bucket_in_one_piece(web_servers: WebServers) -> None:
    server = Buckets()
    kept = await drafted(room(await large(web_servers, server)), [b"a", b"b"])
    assert (server.objects, server.sizes) == ({kept.place.removeprefix("s3://evidence/"): b"ab"}, [])


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"secret_key": "other"}, NotLetIn, "the keys are not accepted"),
        ({"bucket": "elsewhere"}, PermanentError, "there is no such bucket"),
    ],
)
async def test_what_is_wrong_with_the_bucket_is_named(
    web_servers: WebServers, wrong: dict[str, str], error: type[Exception], words: str
) -> None:
    server = Buckets()
    shelf = bucket(await web_servers.serve(server), **wrong)
    with pytest.raises(error, match=words) as caught:
        await room(shelf).keep("a", b"x")
    assert "evidence.s3" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert server.objects == {}


async def test_a_bucket_that_is_away_may_be_there_later(web_servers: WebServers) -> None:
    with pytest.raises(TransientError):
        await room(bucket(f"http://127.0.0.1:{free_port()}")).keep("a", b"x")
    server = Buckets(status=503)
    with pytest.raises(TransientError):
        await room(bucket(await web_servers.serve(server))).keep("a", b"x")
