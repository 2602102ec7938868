"""Starts and stops real servers (Redis, Prometheus, Alertmanager) on free loopback ports in temporary folders."""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

START_WITHIN = 30.0
"""Seconds until a server must answer; a loaded machine with two cores needs some."""
MISSING = "server missing:"
"""What the reason of a skip begins with, so that the summary can count them."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class NotStarted(Exception):
    """A server ended or did not answer; the message carries the end of its log."""


def program(name: str, package: str = "") -> str:
    """Find an installed program. Without it the test is skipped, or fails where `CI=true`."""
    found = shutil.which(name)
    if found is None:
        missing(package or name)
    return str(found)


def missing(what: str) -> None:
    """End the test because a server is not installed: a skip that the summary counts, a failure where `CI=true`."""
    reason = f"{MISSING} {what}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(kw_only=True)
class Server:
    """
    One server process that we started; it is ended by its pid, and by the kernel should we die first.

    `arguments` are the whole command line; `answers` says whether it is ready; `halt` is the signal that ends it
    gently; `user` runs it as somebody else.
    """

    name: str
    url: str
    port: int
    folder: Path
    arguments: Sequence[str]
    answers: Callable[[], bool]
    halt: signal.Signals = signal.SIGTERM
    user: str | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start, and wait until it answers. Raises: NotStarted."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=self.user,
                group=pwd.getpwnam(self.user).pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
                preexec_fn=_die_with_us(self.halt),  # noqa: PLW1509 - one system call, no lock
            )
        until = time.monotonic() + START_WITHIN
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise NotStarted(f"{self.name} ended with {self.process.returncode}:\n{self.log()[-2000:]}")
            if self.answers():
                return
            time.sleep(0.02)
        self.stop()
        raise NotStarted(f"{self.name} does not answer:\n{self.log()[-2000:]}")

    def stop(self) -> None:
        """End it gently, after 10 s by force."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(self.halt)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def freeze(self) -> None:
        """Stop it where it stands: it keeps its port and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Stop and start again on the same port with the same data."""
        self.stop()
        self.start()

    def log(self) -> str:
        """Return everything that it has written."""
        return (self.folder / "log").read_text(errors="replace")


def _die_with_us(how: signal.Signals) -> Callable[[], None] | None:
    libc = _LIBC
    if libc is None:
        return None
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(how))


@dataclass
class Bench:
    """Starts servers in folders below `root` and stops them all at the end, the last first."""

    root: Path
    servers: list[Server] = field(default_factory=list)

    def folder(self, name: str) -> Path:
        """Make a new folder."""
        made = self.root / f"{name}-{len(self.servers)}-{time.monotonic_ns():x}"
        made.mkdir(parents=True)
        return made

    def run(self, build: Callable[[int], Server]) -> Server:
        """Start what `build` makes for a free port; thrice, because the port may be taken between look and use."""
        for attempt in range(3):
            server = build(free_port())
            try:
                server.start()
            except NotStarted:
                if attempt == 2 or "ddress already in use" not in server.log():
                    raise
                continue
            self.servers.append(server)
            return server
        raise AssertionError("unreachable")

    def redis(self, *flags: str) -> Server:
        """Start a Redis without persistence; `flags` are more of its options."""
        binary = program("redis-server")
        folder = self.folder("redis")

        def build(port: int) -> Server:
            options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
            return Server(
                name="redis",
                url=f"redis://127.0.0.1:{port}/0",
                port=port,
                folder=folder,
                arguments=[binary, *options, "--appendonly", "no", *flags],
                answers=lambda: _pings(port),
            )

        return self.run(build)

    def prometheus(
        self,
        *,
        config: Mapping[str, Any] | None = None,
        rules: Mapping[str, Any] | None = None,
        flags: Sequence[str] = (),
    ) -> Server:
        """Start a Prometheus; without a configuration it scrapes itself each second. `rules` is a rule file."""
        binary = program("prometheus")
        folder = self.folder("prometheus")
        if rules is not None:
            (folder / "rules.yml").write_text(yaml.safe_dump(rules, sort_keys=False))

        def build(port: int) -> Server:
            address = f"127.0.0.1:{port}"
            chosen = dict(config or _scrape_itself(address))
            if rules is not None:
                chosen["rule_files"] = ["rules.yml"]
            (folder / "prometheus.yml").write_text(yaml.safe_dump(chosen, sort_keys=False))
            options = [f"--storage.tsdb.path={folder / 'data'}"]
            return _web_server("prometheus", folder, address, [binary, *options, *flags])

        return self.run(build)

    def alertmanager(self, *, config: Mapping[str, Any], flags: Sequence[str] = ()) -> Server:
        """Start an Alertmanager, alone unless `flags` say otherwise."""
        binary = program("prometheus-alertmanager")
        folder = self.folder("alertmanager")
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(config, sort_keys=False))
        alone = (
            [] if any(flag.startswith("--cluster.listen-address") for flag in flags) else ["--cluster.listen-address="]
        )

        def build(port: int) -> Server:
            options = [f"--storage.path={folder / 'data'}", *alone]
            return _web_server("alertmanager", folder, f"127.0.0.1:{port}", [binary, *options, *flags])

        return self.run(build)

    def stop(self) -> None:
        """Stop every server that still runs."""
        while self.servers:
            self.servers.pop().stop()


def _web_server(name: str, folder: Path, address: str, command: list[str]) -> Server:
    prefix = next((flag.split("=", 1)[1].rstrip("/") for flag in command if flag.startswith("--web.route-prefix=")), "")
    url = f"http://{address}{prefix}"
    return Server(
        name=name,
        url=url,
        port=int(address.rsplit(":", 1)[1]),
        folder=folder,
        arguments=[*command, f"--config.file={folder / f'{name}.yml'}", f"--web.listen-address={address}"],
        answers=lambda: _ready(f"{url}/-/ready"),
    )


def _scrape_itself(address: str) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [{"job_name": "prometheus", "static_configs": [{"targets": [address]}]}],
    }


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code in (401, 403)
    except OSError:
        return False


def _pings(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False
