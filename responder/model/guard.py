"""Guards and verifications of actions, typed from what the rules carry; what cannot be read raises, and so refuses."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from responder.model.duration import format_duration, parse_duration
from responder.model.regex import compile_regex
from responder.model.verdict import Json
from responder.model.window import DAYS, Window, window_of

APPROVE_WITHIN = timedelta(minutes=15)
"""How long a yes may take where the rules do not say."""
VERIFY_WITHIN = timedelta(minutes=10)
"""How long an action has to show that it helped where the rules do not say."""
OTHERWISE = ("undo", "escalate", "next")

_RATE = re.compile(r"([1-9][0-9]{0,5}) per (\S+)", re.ASCII)
_BLAST = re.compile(r"([1-9][0-9]{0,5})|(100|[1-9]?[0-9])%", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so long."""

    count: int
    span: timedelta

    def __str__(self) -> str:
        """Show as written: `2 per 1h`."""
        return f"{self.count} per {format_duration(self.span)}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How often, for one object, one rule, one namespace, and over everything."""

    target: Rate | None = None
    rule: Rate | None = None
    namespace: Rate | None = None
    overall: Rate | None = None


@dataclass(frozen=True, slots=True)
class Blast:
    """The most pods that may be disturbed: so many, or so many in a hundred of the replicas."""

    pods: int | None = None
    percent: int | None = None

    def __str__(self) -> str:
        """Show as written: `3` or `50%`."""
        return f"{self.percent}%" if self.pods is None else str(self.pods)


@dataclass(frozen=True, slots=True)
class Guard:
    """Reasons why an action may not run now; `approvals` None leaves their number to the plugin."""

    cooldown: timedelta | None = None
    at_most: Limits = Limits()
    approvals: int | None = None
    approvers: tuple[str, ...] = ()
    approve_within: timedelta = APPROVE_WITHIN
    evidence: tuple[str, ...] = ()
    when: str = ""
    blast_radius: Blast | None = None
    last_replica: bool = False
    only_in: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Verify:
    """How it is known that an action helped: `until` must hold for `hold` before `within` is over."""

    until: str = ""
    hold: timedelta = timedelta(0)
    within: timedelta = VERIFY_WITHIN
    run: str = ""
    otherwise: tuple[str, ...] = ()

    @property
    def tells(self) -> bool:
        """Whether anything says if it helped."""
        return bool(self.until or self.run)


def guard_of(written: Mapping[str, Json]) -> Guard:
    """
    Type a guard as a playbook carries it.

    Raises: ValueError, naming the word that cannot be read; such an action must not run.
    """
    reader = _Reader(written, "guard")
    guard = Guard(
        cooldown=reader.span("cooldown"),
        at_most=limits_of(reader.take("at_most", {})),
        approvals=reader.number("approvals"),
        approvers=reader.words("approvers"),
        approve_within=reader.span("approve_within") or APPROVE_WITHIN,
        evidence=reader.words("evidence"),
        when=reader.text("when"),
        blast_radius=_blast(reader.take("blast_radius", None)),
        last_replica=reader.flag("last_replica"),
        only_in=reader.patterns("only_in"),
        never=reader.patterns("never"),
        windows=windows_of(reader.take("windows", ())),
    )
    reader.done()
    return guard


def verify_of(written: Mapping[str, Json]) -> Verify:
    """
    Type a verification as a playbook carries it.

    Raises: ValueError.
    """
    reader = _Reader(written, "verify")
    otherwise = reader.words("otherwise")
    verify = Verify(
        until=reader.text("until"),
        hold=reader.span("hold") or timedelta(0),
        within=reader.span("within") or VERIFY_WITHIN,
        run=reader.text("run"),
        otherwise=otherwise or (("escalate",) if written else ()),
    )
    reader.done()
    if verify.hold >= verify.within:
        raise ValueError(too_long(verify.hold, verify.within))
    for word in verify.otherwise:
        if word not in OTHERWISE:
            raise ValueError(f"`otherwise: {word}` is none of {', '.join(OTHERWISE)}")
    return verify


def too_long(hold: timedelta, within: timedelta) -> str:
    """Say why nothing can hold for so long before it has to."""
    told = f"`hold: {format_duration(hold)}` is not shorter than `within: {format_duration(within)}`"
    return f"{told}: it would count as no help, whatever it does"


def limits_of(written: Json) -> Limits:
    """Type `at_most`: a rate for one object, or a mapping of them. Raises: ValueError."""
    if isinstance(written, str):
        return Limits(target=_rate(written))
    if written is None:
        return Limits()
    reader = _Reader(written, "at_most")
    names = ("target", "rule", "namespace", "overall")
    rates = {name: _rate(value) for name in names if (value := reader.take(name, None)) is not None}
    reader.done()
    return Limits(**rates)


def windows_of(written: Json) -> tuple[Window, ...]:
    """Type a list of windows. Raises: ValueError."""
    if not isinstance(written, list | tuple):
        raise ValueError("`windows` is a list")
    return tuple(_window(item) for item in written)


def is_in(namespace: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns (RE2, anchored) is this namespace. Raises: ValueError."""
    return any(compile_regex(pattern).fullmatch(namespace) for pattern in patterns)


def _window(written: Json) -> Window:
    reader = _Reader(written, "windows")
    window = window_of(
        days=reader.words("days"),
        begin=reader.text("from"),
        end=reader.text("to"),
        zone=reader.text("zone") or "UTC",
        freeze=reader.flag("freeze"),
    )
    reader.done()
    unknown = [day for day in window.days if day not in DAYS]
    if unknown:
        raise ValueError(f"`{unknown[0]}` is no day: write {', '.join(DAYS)}")
    return window


def _rate(written: Json) -> Rate:
    found = _RATE.fullmatch(written) if isinstance(written, str) else None
    if not found:
        raise ValueError(f"`{written}` is no rate: write a count and a span, such as 2 per 1h")
    return Rate(int(found[1]), parse_duration(found[2]))


def _blast(written: Json) -> Blast | None:
    if written is None:
        return None
    found = None if isinstance(written, bool) else _BLAST.fullmatch(str(written))
    if not found:
        raise ValueError(f"`blast_radius: {written}` is neither a number of pods nor a share such as 50%")
    return Blast(pods=int(found[1])) if found[1] else Blast(percent=int(found[2]))


class _Reader:
    """Takes words out of a mapping one by one; what is left at the end is not known."""

    def __init__(self, written: Json, what: str) -> None:
        if not isinstance(written, Mapping):
            raise ValueError(f"`{what}` is a mapping")
        self._left = dict(written)
        self._what = what

    def take(self, name: str, otherwise: Json) -> Json:
        if name in self._left and self._left[name] is None:
            raise ValueError(f"`{name}` has nothing behind it: write a value, or take the word out")
        return self._left.pop(name, otherwise)

    def span(self, name: str) -> timedelta | None:
        value = self.take(name, None)
        if value is None:
            return None
        if not isinstance(value, str):
            raise ValueError(f"`{name}: {value}` has no unit: write 30s, 10m, 4h or 7d")
        return parse_duration(value)

    def number(self, name: str) -> int | None:
        value = self.take(name, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"`{name}: {value}` is no number of people")
        return value

    def words(self, name: str) -> tuple[str, ...]:
        value = self.take(name, ())
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list | tuple) or not all(isinstance(word, str) for word in listed):
            raise ValueError(f"`{name}` is a list of words")
        return tuple(listed)

    def patterns(self, name: str) -> tuple[str, ...]:
        words = self.words(name)
        for word in words:
            compile_regex(word)
        return words

    def text(self, name: str) -> str:
        value = self.take(name, "")
        if not isinstance(value, str):
            raise ValueError(f"`{name}: {value}` is no text")
        return value

    def flag(self, name: str) -> bool:
        value = self.take(name, False)
        if not isinstance(value, bool):
            raise ValueError(f"`{name}: {value}` is neither true nor false")
        return value

    def done(self) -> None:
        if self._left:
            raise ValueError(f"`{next(iter(self._left))}` is unknown in `{self._what}`")
