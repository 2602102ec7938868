"""
Which programs may be run in a container: command lines of the settings, against the argument list of a step.

`jmap -dump:* *` is a whole line: each of its words is one argument, `*` in it any text. At the end `...` is any further
arguments, and so is what follows a program that stands alone. A `*` that begins a word is never a flag.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

_MORE = "..."
_PROGRAM = re.compile(r"/?[A-Za-z0-9_][A-Za-z0-9_.+@/-]*")
_VERSION = re.compile(r"[-.0-9]+$")
_CODE = frozenset({"-c", "-e", "-m", "--eval"})
"""Flags of interpreters behind which the code, or the name of its module, stands."""
_INTERPRETERS = """
    sh ash bash dash zsh ksh mksh csh tcsh fish rbash pwsh powershell
    python pypy perl ruby irb node nodejs deno bun php lua luajit tclsh expect java jshell groovy scala erl elixir R
    Rscript awk gawk mawk nawk sed ed ex vi vim nvim emacs psql mysql mariadb sqlite mongo mongosh
"""
"""They do whatever the text says that they are given."""
_LAUNCHERS = """
    env xargs busybox toybox sudo su doas runuser setpriv nsenter unshare chroot setsid nohup nice ionice taskset
    timeout time watch stdbuf script strace ltrace gdb find make parallel tar ssh socat nc ncat
    kubectl oc helm docker podman nerdctl crictl ctr runc systemctl systemd-run git npm npx pip uv
"""
"""They run other programs, or reach beyond the container."""
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
        words = shlex.split(text) if text.isprintable() else []
    except ValueError as error:
        raise ValueError(f"{text!r} is no command line ({error}): quote it as in a shell") from None
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
    name = PurePosixPath(program).name
    name = name if name in _INTERPRETING | _LAUNCHING else _VERSION.sub("", name)
    open_at = next((at for at, word in enumerate(line.words) if "*" in word), len(line.words) if line.more else None)
    if open_at is None:
        return
    if name in _LAUNCHING:
        raise ValueError(f"{program} runs other programs: write the whole command line, without `*` and `...`")
    if name in _INTERPRETING and open_at < _after_code(line.words):
        shown = "such as `sh /scripts/dump.sh` or `python -m ops.breaker reset *`"
        raise ValueError(f"{program} runs whatever it is told: write the whole command line, {shown}")


def _after_code(words: tuple[str, ...]) -> int:
    """Return the place behind the code, or the name of the file or module with it; beyond all when there is none."""
    flag = words[1] if len(words) > 1 else "-"
    if flag in _CODE and len(words) > 2 and not words[2].startswith("-"):
        return 3
    return 2 if not flag.startswith("-") else len(words) + 1


def _fits(word: str, argument: str) -> bool:
    if word.startswith("*") and argument.startswith("-"):
        return False
    first, *parts = word.split("*")
    if not parts or not argument.startswith(first):
        return argument == word
    *inner, last = parts
    at = len(first)
    for part in inner:
        at = argument.find(part, at) + len(part)
        if at < len(part):
            return False
    return argument.endswith(last) and len(argument) - len(last) >= at
