"""Prometheus itself reads what we wrote: each query finds the one series that has the hostile value."""

import itertools
import json
import subprocess
from pathlib import Path

import pytest

from responder.model.place import Place
from tests.expressions.test_places import MARKS
from tests.expressions.world import evaluator, labelled
from tests.servers.processes import program

QUERIES = (
    'count(x{a="${labels.v}"})',
    "count(x{a='${labels.v}'})",
    'count(x{a=~"${labels.v}"})',
    "count(x{a=~'${labels.v}'})",
    'count(x{a!="",a=~"^(?:${labels.v})$",a!~"${labels.v}.+"})',
    'count(count by (b) (label_replace(x{a="${labels.v}"}, "b", "${labels.v}", "a", "${labels.v}")) > 0)',
)


@pytest.mark.alertmanager
def test_every_query_finds_the_series_with_the_hostile_value_and_no_other(tmp_path: Path) -> None:
    expressions = evaluator()
    values = sorted({*MARKS, *map("".join, itertools.permutations(MARKS[:14], 2)), "\ufffd", "a.b", "a-b", "🙂"})
    tests = [
        {"expr": expressions.string(query, labelled(v=value), Place.PROMQL), "eval_time": "0s"}
        | {"exp_samples": [{"labels": "{}", "value": 1}]}
        for value in values
        for query in QUERIES
    ]
    series = [{"series": f'x{{a="{every_character_escaped(value)}"}}', "values": "1"} for value in values]
    file = tmp_path / "tests.yml"
    content = {"tests": [{"input_series": series, "promql_expr_test": tests}]}
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    ran = subprocess.run(
        [program("promtool", "prometheus"), "test", "rules", str(file)], capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-3000:]


def every_character_escaped(value: str) -> str:
    return "".join(f"\\U{ord(char):08x}" for char in value)
