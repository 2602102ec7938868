"""A label value that means harm reaches every parameter of every plugin, and is nothing but text there, or stops it."""

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import re2
from pydantic import ValidationError

from responder import actions, diagnostics, notifiers
from responder.expressions.places import spot_at, spots
from responder.model.place import Place
from responder.model.target import Target
from responder.model.verdict import Undecided
from responder.plugins.params import Params
from responder.plugins.registry import discover
from responder.rules.loading import check
from tests.contracts.hostile import ACTIONS, DIAGNOSTICS, INSTEAD, LEFT_OUT, NOTIFIERS, OPEN, VALUES, WHOLE
from tests.expressions.world import evaluator, labelled

REGISTRY = discover([actions, diagnostics, notifiers])
PLUGINS: Mapping[str, Any] = {**REGISTRY.diagnostics, **REGISTRY.actions, **REGISTRY.notifiers}
EXPRESSIONS = evaluator()
TARGET = Target("default", "Deployment", "shop", "api", "api")
MARK = "mark7"
"""What stands in the place of a hostile value, to compare with."""
FORMS: Mapping[Place, tuple[str, ...]] = {
    Place.PLAIN: ("{}", "a {} b"),
    Place.PROMQL: ('x{{a="{}"}}', "x{{a='{}'}}", 'x{{a=~"^{}$"}}', "x{{a!~'{}'}}", "x{{a=`{}`}}", "x > {}", "{}"),
    Place.URL: ("http://h.example/{}", "http://h.example/a/{}/b?q={}#f", "http://{}/x", "{}"),
    Place.SELECTOR: ("app={}", "app in ({})", "{}"),
    Place.NAME: ("{}", "a-{}"),
    Place.REGEX: ("{}", "^({}) ", "[{}]"),
    Place.ARGUMENT: ("{}", "--name={}"),
}
"""The templates that an author may write, by place."""
CLOSED = frozenset(Place) - FORMS.keys()
"""Places in which nothing of a label may stand."""


def parts(plugin: str) -> Iterator[str]:
    """Yield every parameter of a plugin, nested ones too, but for those that hold others."""
    table = {".".join(path) for path in spots(PLUGINS[plugin].Params)}
    for path in sorted(table - LEFT_OUT.get(plugin, frozenset())):
        if not any(other.startswith(f"{path}.") for other in table):
            yield path


ALL = [(plugin, path) for plugin in PLUGINS for path in parts(plugin)]
STEPS = [(plugin, path) for plugin, path in ALL if plugin not in NOTIFIERS]


def whole(plugin: str, path: str) -> dict[str, Any]:
    """Return the plugin's whole parameters, such that this one can be among them."""
    return copy.deepcopy(dict(INSTEAD.get((plugin, path), WHOLE[plugin])))


def put(plugin: str, path: str, value: Any) -> dict[str, Any]:
    """Return the plugin's whole parameters with another value in one place."""
    given = whole(plugin, path)
    at: Any = given
    *way, last = path.split(".")
    for word in way:
        at = at[_key(at, word)]
    at[_key(at, last)] = value
    return given


def taken(params: Any, path: str) -> Any:
    """Return what stands in one place."""
    for word in path.split("."):
        params = params[_key(params, word)]
    return params


def _key(at: Any, word: str) -> Any:
    if word != "*":
        return word
    return 0 if isinstance(at, list) else next(iter(at))


def place_of(plugin: str, path: str) -> Place:
    return spot_at(spots(PLUGINS[plugin].Params), tuple(path.split("."))).place


@lru_cache(maxsize=1024)
def said(value: str) -> str:
    """Return a label's value as expressions see it: without what no database could hold, and cut."""
    text = EXPRESSIONS.string("${labels.x}", labelled(x=value), Place.PLAIN)
    assert isinstance(text, str)
    return text


def filled(plugin: str, path: str, form: str, value: str) -> dict[str, Any] | None:
    """Fill the parameters by way of the rules' own evaluator and validation; None where either stops it."""
    written = put(plugin, path, form.replace("{}", "${labels.x}").replace("{{", "{").replace("}}", "}"))
    found = EXPRESSIONS.params(written, PLUGINS[plugin].Params, labelled(x=value))
    if isinstance(found, Undecided):
        assert "\n" not in found.why
        return None
    try:
        return valid(plugin, found)
    except ValidationError:
        return None


def valid(plugin: str, found: Mapping[str, Any]) -> dict[str, Any]:
    model: type[Params] = PLUGINS[plugin].Params
    dumped: dict[str, Any] = model.model_validate(found).model_dump(mode="json", by_alias=True, exclude_unset=True)
    return dumped


def forms(plugin: str, path: str) -> tuple[str, ...]:
    return FORMS[place_of(plugin, path)]


def test_every_plugin_and_every_parameter_is_here() -> None:
    assert set(WHOLE) == set(PLUGINS), "a plugin is new: say in tests/contracts/hostile.py what it takes"
    for plugin, path in ALL:
        taken(whole(plugin, path), path)
    for plugin in PLUGINS:
        assert set(valid(plugin, WHOLE[plugin])) == set(WHOLE[plugin])
    assert {(plugin, path) for plugin, path in OPEN if path not in set(parts(plugin))} == set()


@pytest.mark.parametrize(("plugin", "path"), STEPS)
def test_hostile_text_comes_only_where_it_is_known_to_come(plugin: str, path: str) -> None:
    """A parameter that is not in `OPEN` takes no text that could mean anything to anybody."""
    if place_of(plugin, path) in CLOSED or (plugin, path) in OPEN:
        return
    for form in forms(plugin, path):
        for value in VALUES:
            found = filled(plugin, path, form, value)
            if found is not None:
                text = str(taken(found, path))
                assert re.fullmatch(r"[A-Za-z0-9._:/@-]*|-?[0-9.e+]+", text), f"{plugin}.{path} takes {text!r}"
                assert path not in ("manifest", "template", "exec.*.file") or ".." not in text.split("/")


@pytest.mark.parametrize(("plugin", "path"), STEPS)
def test_a_place_where_no_template_may_stand_refuses_one_at_load(plugin: str, path: str, tmp_path: Path) -> None:
    if place_of(plugin, path) not in CLOSED:
        return
    section = "diagnose" if plugin in DIAGNOSTICS else "actions"
    step = {plugin: put(plugin, path, "SELECT '${labels.x}', $1")}
    why = r"no value can stand|cannot stand|a secret is no text|a secret stands in no rules"
    rule = {"name": "r", "match": ['a="b"'], "playbook": "p"}
    file = tmp_path / "pack.yaml"
    file.write_text(json.dumps({"rules": [rule], "playbooks": {"p": {section: {"it": step}}}}))
    assert [problem for problem in _errors(file) if re.search(why, str(problem))], _errors(file)
    file.write_text(json.dumps({"rules": [rule], "playbooks": {"p": {section: {"it": {plugin: WHOLE[plugin]}}}}}))
    assert _errors(file) == []


def _errors(file: Path) -> list[Any]:
    return list(check([file], REGISTRY).errors)


@pytest.mark.parametrize(("plugin", "path"), sorted(OPEN))
def test_nothing_but_the_parameter_changes(plugin: str, path: str) -> None:
    came = 0
    for form in forms(plugin, path):
        for value in VALUES:
            found = filled(plugin, path, form, value)
            if found is None:
                continue
            came += 1
            text = taken(found, path)
            back = put(plugin, path, text)
            assert valid(plugin, back) == found
            assert valid(plugin, put(plugin, path, taken(WHOLE[plugin], path))) == {
                **found,
                path.split(".", maxsplit=1)[0]: valid(plugin, WHOLE[plugin])[path.split(".", maxsplit=1)[0]],
            }
            HOLDS[place_of(plugin, path)](form, text, said(value))
    assert came, "no value at all comes here: take it out of OPEN"


# --- what it means, by place, that a value is nothing but text ---


def _plain(form: str, text: str, value: str) -> None:
    assert text == form.format(value)


def _promql(form: str, text: str, value: str) -> None:
    """Prometheus itself reads these in `tests/expressions/test_promql_in_prometheus.py`; here: one literal, no more."""
    before, after = form.format("\0").split("\0")
    assert text.startswith(before)
    assert text.endswith(after)
    inner = text.removeprefix(before).removesuffix(after)
    quote = before.rstrip("^")[-1:]
    if quote in ("'", '"'):
        assert "\n" not in inner
        assert not re.search(rf"(?<!\\)(?:\\\\)*{quote}", inner), inner
        assert not re.search(r"(?<!\\)(?:\\\\)*\\$", inner), inner
        meant = _unescaped(inner)
        if "=~" in form or "!~" in form:
            assert re2.fullmatch(f"(?s){meant}", value)
            assert not re2.fullmatch(f"(?s){meant}", f"{value}x")
        else:
            assert meant == value
    else:
        assert re.fullmatch(r"-?[0-9.e+-]+|[a-zA-Z_:][a-zA-Z0-9_:]*", inner), inner


def _unescaped(inner: str) -> str:
    known = {
        "n": "\n",
        "t": "\t",
        "r": "\r",
        "\\": "\\",
        '"': '"',
        "'": "'",
        "a": "\a",
        "b": "\b",
        "f": "\f",
        "v": "\v",
    }
    pattern = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)", re.IGNORECASE)
    return pattern.sub(lambda m: known.get(m[1]) or chr(int(m[1][1:], 16)), inner)


def _url(form: str, text: str, value: str) -> None:
    plain, hostile = urlsplit(form.format(MARK, MARK)), urlsplit(text)
    assert form.startswith(("http://h.example/", "{}"))
    assert (hostile.scheme, hostile.netloc) == (plain.scheme, plain.netloc)
    assert text.isascii()
    assert not re.search(r"[\s\"'<>\\^`{|}]", text)
    segments = [unquote(segment) for segment in hostile.path.split("/")]
    assert segments == [segment.replace(MARK, value) for segment in plain.path.split("/")]
    assert ".." not in segments
    if plain.query:
        assert re.fullmatch(r"q=[^&;=]*", hostile.query)
        assert (unquote(hostile.query), hostile.fragment) == (f"q={value}", "f")


def _selector(form: str, text: str, value: str) -> None:
    assert text == form.format(value)
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", value)


def _name(form: str, text: str, value: str) -> None:
    assert text == form.format(value)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", text)


def _regex(form: str, text: str, value: str) -> None:
    if form != "{}":
        return
    assert re2.fullmatch(f"(?s){text}", value)
    assert not re2.fullmatch(f"(?s){text}", f"{value}x")


def _argument(form: str, text: str, value: str) -> None:
    assert text == form.format(value)
    assert form != "{}" or not text.startswith("-")


HOLDS: Mapping[Place, Callable[[str, str, str], None]] = {
    Place.PLAIN: _plain,
    Place.PROMQL: _promql,
    Place.URL: _url,
    Place.SELECTOR: _selector,
    Place.NAME: _name,
    Place.REGEX: _regex,
    Place.ARGUMENT: _argument,
}


# --- the commands that are shown, run by a real shell whose programs only say how they were called ---

_SHELL = r"""
PATH=/nonexistent
export MAIN_URL=url CACHE_URL=url ALERTMANAGER_URL=url PROMETHEUS_URL=url A_TOKEN=token
told() { printf '%s\0' "$@" >&3; printf '\x1e\0' >&3; }
kubectl() { told kubectl "$@" "in: $(</dev/stdin)"; }
psql() { told psql "$@"; }
redis-cli() { told redis-cli "$@"; }
amtool() { told amtool "$@"; }
curl() { told curl "$@"; }
promtool() { told promtool "$@"; }
jq() { told jq "$@"; }
command_not_found_handle() { told INJECTED "$@"; }
"""


Calls = list[list[str]]


def _called(scripts: Sequence[tuple[str, ...]], folder: Path) -> list[Calls]:
    """Run commands as a person would who pasted them, each script by itself; answers the programs with arguments."""
    written = [_SHELL]
    for number, lines in enumerate(scripts):
        (folder / str(number)).mkdir(parents=True)
        text = "\n".join(lines)
        written.append(f'(cd "{folder}/{number}"\n{text}\n)\nprintf "\\x1d\\0" >&3')
    script = folder / "script"
    script.write_text("\n".join(written) + "\n", encoding="utf-8")
    bash = shutil.which("bash")
    assert bash
    command = f'exec 3>"{folder}/told"; . "{script}"'
    ran = subprocess.run([bash, "--norc", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    told = (folder / "told").read_bytes().decode().split("\x1d\0")[:-1]
    assert len(told) == len(scripts)
    return [[*_split(one), _files(folder / str(number))] for number, one in enumerate(told)]


def _split(told: str) -> Calls:
    return [call.split("\0")[:-1] for call in told.split("\x1e\0")[:-1]]


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def _written_as(plugin: str, path: str) -> Callable[[str], str]:
    """Return how a value is read back out of the word of the command in which it stands."""
    in_json = {("http.request", "body"), ("kubernetes.patch_configmap", "set.*")}
    if (plugin, path) in in_json:
        return lambda word: str(json.loads(f'"{word}"', strict=False))
    if (plugin, path) == ("http.request", "url"):
        return unquote
    if plugin == "alertmanager.silence" and path == "matchers.*":
        return _unescaped
    if plugin in ("postgres.execute", "postgres.terminate_backends"):
        return lambda word: re.sub(r"''|\\[\\n]", lambda found: {"\\n": "\n"}.get(found[0], found[0][0]), word)
    return lambda word: word


@pytest.mark.parametrize(("plugin", "path"), [(plugin, path) for plugin, path in STEPS if plugin in ACTIONS])
def test_a_real_shell_reads_one_word_with_the_very_value(plugin: str, path: str, tmp_path: Path) -> None:
    if place_of(plugin, path) in (Place.PROMQL, *CLOSED):
        return
    action = REGISTRY.actions[plugin]

    def shown(params: Mapping[str, Any]) -> tuple[str, ...]:
        return action.command(action.Params.model_validate(params), TARGET)

    form = "http://h.example/{}" if place_of(plugin, path) is Place.URL else "{}"
    benign = filled(plugin, path, form, MARK) or valid(plugin, whole(plugin, path))
    came = [(value, found) for value in VALUES if len(value) <= 300 and (found := filled(plugin, path, form, value))]
    plain, *ran = _called([shown(params) for params in (benign, *(found for _, found in came))], tmp_path)
    for (value, _), calls in zip(came, ran, strict=True):
        assert not any("INJECTED" in call or "pwned" in call for call in calls), (value, calls)
        if (plugin, path) in OPEN:
            _same_but_for(value, plain, calls, _written_as(plugin, path))


def _same_but_for(value: str, plain: Calls, calls: Calls, read: Callable[[str], str]) -> None:
    """Hold that the words are the same, and that the value stands where the mark stood."""
    assert [len(call) for call in calls] == [len(call) for call in plain], (value, calls)
    for before, after in zip(chain(*plain), chain(*calls), strict=True):
        start, *rest = before.split(MARK, 1)
        assert after.startswith(start), (value, after)
        assert after.endswith("".join(rest)), (value, after)
        assert not rest or read(after[len(start) : len(after) - len(rest[0])]) == said(value)
        assert rest or after == before


def test_a_hostile_target_is_one_word_of_every_command(tmp_path: Path) -> None:
    texts = [text for value in VALUES if 0 < len(text := said(value)) <= 300]
    for plugin, params in ACTIONS.items():
        action = REGISTRY.actions[plugin]
        model = action.Params.model_validate(params)

        def shown(text: str, action: Any = action, model: Any = model) -> tuple[str, ...]:
            lines: tuple[str, ...] = action.command(model, Target("c", "Deployment", text, text, text))
            return lines

        plain, *ran = _called([shown(text) for text in (MARK, *texts)], tmp_path / plugin)
        for text, calls in zip(texts, ran, strict=True):
            assert not any("INJECTED" in call or "pwned" in call for call in calls), (plugin, text, calls)
            assert [len(call) for call in calls[:-1]] == [len(call) for call in plain[:-1]], (plugin, text)
            for word in (word for call in calls[:-1] for word in call if word.startswith("in: {")):
                manifest = json.loads(word.removeprefix("in: ").replace('matchLabels": }', 'matchLabels": {}}'))
                assert manifest["metadata"]["name"] == f"responder-lockdown-{text}"


@pytest.mark.parametrize("plugin", NOTIFIERS)
def test_a_receiver_takes_no_template(plugin: str, tmp_path: Path) -> None:
    for path in parts(plugin):
        if path.endswith("form") or "severities" in path:
            continue
        params = put(plugin, path, "${labels.x}")
        file = tmp_path / "deployment.yaml"
        file.write_text(json.dumps({"teams": {"default": {"receivers": {"incidents": {plugin: params}}}}}))
        assert _errors(file) != [], f"{plugin}.{path}"
