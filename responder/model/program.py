"""
Which programs may be run in a container: command lines of the settings, against the argument list of a step.

`jmap -dump:* *` is a whole line: each of its words is one argument, `*` in it any text, `\\*` a star. At the end `...`
is any further arguments, and so is what follows a program that stands alone. A `*` that begins a word is never a flag,
and none climbs out of a directory by `..`.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

_MORE = "..."
_PROGRAM = re.compile(r"/?[A-Za-z0-9_][A-Za-z0-9_.+@/-]*")
_STEM = re.compile(r"[A-Za-z_+-]*[A-Za-z_+]")
"""What a program is called before its version and its first dot: `python3.11t` is python, `vim.tiny` is vim."""
_STAR = re.compile(r"(?<!\\)\*")
_UP = re.compile(r"(?:^|(?<=[/=:,]))\.\.(?=[/:,]|$)")
_WRITTEN = "\0"
"""Stands for `\\*` while a line is split, which would take the backslash away where nothing is quoted."""
_CODE = frozenset({"-c", "-e", "--eval"})
"""Flags behind which code stands; another one after it may bring more code."""
_MODULE = "-m"
_ARCHIVE = "-jar"
_ALONE = {
    "java": re.compile(r"-[XD]\S+|--[\w-]+=\S+"),
    "node": re.compile(r"--[\w-]+=\S+"),
    "python": re.compile(r"-[uBIEsSOqP]+"),
}
"""Flags before what an interpreter runs that take no word behind them."""
_RUNNERS = frozenset({"cProfile", "code", "doctest", "pdb", "pip", "profile", "runpy", "timeit", "trace", "unittest"})
"""Modules that run whatever their arguments say."""
_INTERPRETERS = """
    sh ash bash dash zsh ksh mksh csh tcsh fish rbash python pypy perl ruby node nodejs php tclsh java Rscript
    ipython micropython jruby jython wish
"""
"""They do what a text or a file says; what follows that is for it."""
_LAUNCHERS = """
    env xargs busybox toybox sudo su doas runuser setpriv nsenter unshare chroot setsid nohup nice ionice taskset
    timeout time watch stdbuf script strace ltrace gdb find make parallel tar ssh socat nc ncat
    kubectl oc helm docker podman nerdctl crictl ctr runc systemctl systemd-run git npm npx pip uv
    pwsh powershell irb deno bun lua luajit expect jshell groovy scala erl elixir R awk gawk mawk nawk sed ed ex
    vi view vim rvim vimdiff nvim emacs psql mysql mysqlsh mariadb sqlite mongo mongosh
    gosu su-exec tini tini-static dumb-init catatonit flock setuidgid chpst capsh pkexec start-stop-daemon
    chrt numactl prlimit cpulimit unbuffer faketime rlwrap valgrind perf lldb bwrap firejail run-parts entr
    tmux screen rsync scp sftp crontab at batch ip ansible terraform
    bundle rails rake gem cargo go dotnet yarn pnpm bunx uvx pipx poetry pipenv jrunscript ld
"""
"""They run other programs or more code wherever an argument says so, or reach beyond the container."""
_INTERPRETING, _LAUNCHING = frozenset(_INTERPRETERS.split()), frozenset(_LAUNCHERS.split())


@dataclass(frozen=True, slots=True)
class Line:
    """One line that may be run: its words, and whether any further arguments may follow them."""

    words: tuple[str, ...]
    more: bool

    def allows(self, argv: Sequence[str], known: Callable[[str], bool]) -> bool:
        """Say whether it covers an argument list; what is not known yet may be anything."""
        longer = len(argv) - len(self.words)
        if longer < 0 or (longer and not self.more):
            return False
        pairs = zip(self.words, argv, strict=False)
        return all(not known(argument) or _fits(word, argument) for word, argument in pairs)


def allows(lines: Iterable[str], argv: Sequence[str], known: Callable[[str], bool] = lambda argument: True) -> bool:
    """Say whether one of the lines covers an argument list. Raises: ValueError for a line that is none."""
    return any(line_of(text).allows(argv, known) for text in lines)


@lru_cache(maxsize=1024)
def line_of(text: str) -> Line:
    """
    Read a line of the settings.

    Raises: ValueError for one that would let anything be run, saying what to write instead.
    """
    try:
        split = shlex.split(text.replace("\\*", _WRITTEN)) if text.isprintable() else []
    except ValueError as error:
        raise ValueError(f"{text!r} is no command line ({error}): quote it as in a shell") from None
    words = [word.replace(_WRITTEN, "\\*") for word in split]
    if not words or any(word == _MORE for word in words[:-1]) or words == [_MORE]:
        raise ValueError(f"{text!r} is no command line: write a program and its arguments, and `...` at the end only")
    more = words[-1] == _MORE or len(words) == 1
    line = Line(tuple(words[:-1] if words[-1] == _MORE else words), more)
    if not _PROGRAM.fullmatch(line.words[0]):
        raise ValueError(f"{line.words[0]!r} is no program: write each out; `*` stands in arguments only")
    _check_reach(line)
    return line


def _check_reach(line: Line) -> None:
    """Let what runs other things run only what is written out. Raises: ValueError."""
    program = line.words[0]
    name = _stem(PurePosixPath(program).name)
    if not line.more and not any(map(_STAR.search, line.words)):
        return
    if name in _LAUNCHING:
        told = "write the whole command line, without `...`, and a star as `\\*`"
        raise ValueError(f"{program} runs whatever its arguments say: {told}")
    if name in _INTERPRETING and not _is_settled(_without_flags(line, name)):
        shown = "such as `sh /scripts/dump.sh`, `java -jar /app.jar *` or `python -m ops.breaker reset *`"
        told = f"write the whole command line, or what it runs right behind it, {shown}"
        raise ValueError(f"{program} runs whatever it is told: {told}")


def _stem(name: str) -> str:
    """Return what a program is called whatever its version and build; every loader of programs is `ld`."""
    found = _STEM.match(name)
    stem = found[0] if found else name
    return "ld" if stem.startswith("ld-") else stem


def _without_flags(line: Line, name: str) -> Line:
    """Leave out flags of an interpreter that are written out and stand alone: behind them comes what it runs."""
    alone = _ALONE.get(name)
    program, *words = line.words
    while alone and words and alone.fullmatch(words[0]) and not _STAR.search(words[0]):
        words = words[1:]
    return Line((program, *words), line.more)


def _is_settled(line: Line) -> bool:
    """Whether what an interpreter runs is written out before the place where the line is open."""
    open_at = next((at for at, word in enumerate(line.words) if _STAR.search(word)), len(line.words))
    first, second = (*line.words[1:3], "-", "-")[:2]
    flags = [word for word in line.words if word.startswith("-") and _STAR.search(word)]
    if any(first in _CODE or _STAR.search(flag.partition("=")[0]) for flag in flags):
        return False
    if first in _CODE:
        return open_at > 2 and not second.startswith("-") and not line.more
    if first == _MODULE:
        return open_at > 2 and not second.startswith("-") and second.split(".")[0] not in _RUNNERS
    if first == _ARCHIVE:
        return open_at > 2 and not second.startswith("-") and _stem(PurePosixPath(line.words[0]).name) == "java"
    return open_at > 1 and not first.startswith("-")


def _fits(word: str, argument: str) -> bool:
    if word.startswith("*") and argument.startswith("-"):
        return False
    if len(_UP.findall(argument)) > len(_UP.findall(word)):
        return False
    first, *parts = (part.replace("\\*", "*") for part in _STAR.split(word))
    if not parts or not argument.startswith(first):
        return not parts and argument == first
    *inner, last = parts
    at = len(first)
    for part in inner:
        at = argument.find(part, at) + len(part)
        if at < len(part):
            return False
    return argument.endswith(last) and len(argument) - len(last) >= at
