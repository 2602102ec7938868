"""Every problem is told at its place, with the line quoted and what was meant; all of them in one run."""

from pathlib import Path

import pytest

from responder.plugins.registry import Registry
from responder.rules.loading import check
from responder.rules.problems import render
from tests.rules.conftest import Check

BOOK = """
rules:
  - {name: errors, match: ['alertname="Errors"'], correlate_by: [namespace], playbook: errors}
playbooks:
  errors:
    vars: {severe: 0.1}
    diagnose:
      rate: {test.rate: {query: 'up{namespace="${labels.namespace}"}'}}
      pods: {test.pods: {}, when: 'rate.value > 0.5'}
    conclude:
      - {name: severe, when: 'rate.value > vars.severe', severity: critical, say: "At ${rate.value | percent}"}
      - {say: "Bad", propose: [restart]}
    actions:
      restart: {kubernetes.rollout_restart: {}}
"""
WHEN = "when: 'rate.value > 0.5'"
ACTION = "kubernetes.rollout_restart: {}"
VARS = "    vars: {severe: 0.1}\n"


def shown(checked: Check, **files: str) -> list[str]:
    """Return the problems of the files as they are printed."""
    return [render(problem) for problem in checked(**files).problems]


def test_a_sound_file_has_no_problems(checked: Check) -> None:
    assert shown(checked, main=BOOK) == []


def test_a_problem_quotes_its_line_with_a_caret_and_the_word_that_was_meant(checked: Check) -> None:
    wanted = (
        "main.yaml:9:29: error: unknown key `whne`",
        "  9 |       pods: {test.pods: {}, whne: 'rate.value > 0.5'}",
        "    |                             ^ did you mean `when`? Valid: deadline, only, target, when",
    )
    assert shown(checked, main=BOOK.replace("when: 'rate", "whne: 'rate", 1)) == ["\n".join(wanted)]


def test_a_long_line_is_quoted_around_the_place(checked: Check) -> None:
    found = shown(checked, main="rules: [{name: x, match: [" + "a=b, " * 60 + "'c==d'], record_only: true}]")
    line, caret = found[0].split("\n")[1:]
    assert len(line) < 130
    assert line[caret.index("^") :].startswith("=d'")


@pytest.mark.parametrize(
    ("before", "after", "place", "said"),
    [
        ("playbooks:", "playboks:", "playboks", "did you mean `playbooks`"),
        ("correlate_by:", "corelate_by:", "corelate_by", "did you mean `correlate_by`"),
        ("    diagnose:", "    diagnosis:", "diagnosis", "did you mean `diagnose`"),
        ("test.rate:", "test.rat:", "test.rat", "did you mean `test.rate`"),
        ("test.rate:", "rate:", "rate: {query", "unknown diagnostic `rate`"),
        ("query:", "qeury:", "qeury", "did you mean `query`"),
        ("query: 'up{namespace=\"${labels.namespace}\"}'", "", "{}", "the parameter `query` is missing"),
        ("query: 'up", "sql: '${labels.x}', query: 'up", "${labels.x}", "bind a parameter"),
        ("query: 'up", "limit: 0, query: 'up", "0, query", "greater than or equal to 1"),
        (WHEN, "when: 'rate.vlaue > 0.5'", "vlaue", "did you mean"),
        (WHEN, "when: 'rat.value > 0.5'", "rat.value", "did you mean"),
        (WHEN, "when: 'rate.value'", "rate.value'}", "a condition is true or false"),
        (WHEN, "when: 'pods.total > 0'", "pods: {", "a circle: `pods` waits for `pods`"),
        (WHEN, "when: 5", "5}", "put quotes around it"),
        (WHEN, "only: verifi", "verifi", "did you mean `verify`"),
        (WHEN, "deadline: 10", "10}", "a duration has a unit"),
        (WHEN, "deadline: 10 sec", "10 sec", "such as 30s"),
        ("test.pods: {}, when", "when", "{when: 'rate.value > 0.5'", "no diagnostic is named here"),
        ("test.pods: {}", "test.pods: {}, test.rate: {query: x}", "test.rate: {query: x}", "this is the second"),
        ("pods: {test", "labels: {test", "labels: {test", "'labels' cannot be the name"),
        ("pods: {test", "my-pods: {test", "my-pods", "'my-pods' cannot be the name"),
        ("| percent", "| precent", "precent", "percent"),
        ("${rate.value", "${rate.valu", "valu |", "did you mean"),
        ("severity: critical", "severity: kritical", "kritical", "did you mean `critical`"),
        ("propose: [restart]", "propose: [restrat]", "restrat", "did you mean `restart`"),
        ('say: "Bad"', 'name: severe, say: "Bad"', "{name: severe, say", "a second conclusion"),
        (ACTION, "kubernetes.rollout_restrat: {}", "kubernetes.rollout_restrat", "`kubernetes.rollout_restart`"),
        (ACTION, "kubernetes.rollout_restart: {hard: true}", "hard", "unknown parameter `hard`"),
        (ACTION, "kubernetes.rollout_restart: [1]", "[1]", "parameters are a mapping"),
        (ACTION, "kubernetes.scale: {replicas: many}", "many", "valid integer"),
        (ACTION, "kubernetes.scale: {replicas: 1, by: 1}", "{replicas", "one of them"),
        (ACTION, "kubernetes.set_env: {set: {A: true}}", "true", 'put quotes around it: "true"'),
        (ACTION, "kubernetes.set_env: {set: {'${labels.x}': a}}", "'${labels.x}'", "a key cannot be a template"),
        (ACTION, "do: [stop]", "stop", "no action `stop`"),
        (ACTION, "do: [restart]", "restart: {do", "a circle"),
        (ACTION, "do: [restart], kubernetes.cordon: {}", "kubernetes.cordon", "not both"),
        (ACTION, "mode: approve", "{mode", "no action is named"),
        (ACTION, ACTION + ", mode: automatic", "automatic", "did you mean `auto`"),
        (ACTION, ACTION + ", mode: auto, offer: always", "restart: {kub", "it waits for a person"),
        (ACTION, ACTION + ", guard: {evidence: [heap]}", "heap", "no action `heap`"),
        (ACTION, ACTION + ", guard: {at_most: 2 an hour}", "2 an hour", "2 per 1h"),
        (ACTION, ACTION + ", guard: {at_most: {pod: 2 per 1h}}", "pod: 2", "valid: namespace, overall, rule, target"),
        (ACTION, ACTION + ", guard: {cooldown: soon}", "soon", "is not a duration"),
        (ACTION, ACTION + ", guard: {when: 'rate.x'}", "x'}", "rate has no field x"),
        (ACTION, ACTION + ", guard: {only_in: ['(']}", "'('", "not a regular expression"),
        (ACTION, ACTION + ", guard: {blast_radius: 200%}", "200%", "3 or 50%"),
        (ACTION, ACTION + ", guard: {windows: [{zone: Mars}]}", "Mars", "unknown time zone"),
        (ACTION, ACTION + ", guard: {windows: [{from: 9}]}", "9}]", "hours and minutes"),
        (ACTION, ACTION + ", verify: {hold: 3m}", "{hold", "`until` is missing"),
        (ACTION, ACTION + ", verify: {until: 'rate.value'}", "rate.value'}", "a condition is true or false"),
        (ACTION, ACTION + ", verify: {run: smoke}", "smoke", "no action `smoke`"),
        (ACTION, ACTION + ", verify: {until: 'true', otherwise: [undoo]}", "undoo", "did you mean `undo`"),
        (ACTION, ACTION + ", inputs: {n: {type: integer}}", "integer", "did you mean `int`"),
        (ACTION, ACTION + ", inputs: {n: {suggest: 'rate.x'}}", "x'}}", "rate has no field x"),
        (ACTION, ACTION + ", inputs: {n: {pattern: '('}}", "'('", "not a regular expression"),
        (ACTION, ACTION + ", inputs: {n: {refuse: ['vars.x']}}", "x']", "vars"),
        (ACTION, ACTION + ", temporary: yes", "yes", "is not a duration"),
        (ACTION, "kubernetes.cordon: {}, target: {kind: Pod, name: x}", "{}, target", "cannot act on a Pod"),
        ("{severe: 0.1}", "{severe: }", "}\n    diagnose", "has no value"),
        ("severe: 0.1", "se-vere: 0.1", "se-vere", "cannot be the name"),
        (VARS, VARS + "    target: {kind: Deploymnt, name: x}\n", "Deploymnt", "did you mean `Deployment`"),
        (VARS, VARS + "    target: {kind: Pod}\n", "{kind: Pod}", "`name` is missing"),
        (VARS, VARS + "    target: labels\n", "labels\n", "a mapping is wanted"),
        (VARS, VARS + "    use: [basic]\n", "basic", "no set is called `basic`"),
        (VARS, VARS + "    forbid: [kubernetes.scal]\n", "kubernetes.scal", "kubernetes.scale"),
        (VARS, VARS + "    refresh: 10\n", "10\n", "a duration has a unit"),
        (VARS, VARS + "    steps: [{say: x, action: stop}]\n", "stop", "no action `stop`"),
        (VARS, VARS + "    steps: ['go ${rate.nix}']\n", "nix", "nix"),
        (VARS, VARS + "    resolved_when: [{name: x, when: 'rate.count'}]\n", "rate.count", "a condition is"),
        (VARS, VARS + "    runbook: 'x${'\n", "${'", "not closed"),
        (VARS, VARS + "    title: {x}\n", "{x}", "put quotes around"),
        (VARS, VARS + "    title: #pay\n", " #pay", "`#` begins a comment"),
        ("playbook: errors}", "playbook: error}", "error}", "did you mean `errors`"),
        ("playbook: errors}", "severity: huge, playbook: errors}", "huge", "no severity is called `huge`"),
        ("playbook: errors}", "severity: {label: x, otherwise: huge}, playbook: errors}", "huge", "no severity"),
        ("playbook: errors}", "record_only: true, playbook: errors}", "errors, match", "one of `playbook`"),
        ("playbook: errors}", "heartbeat: {by: x}}", "{by: x}", "`expect_every` is missing"),
        ("'alertname=\"Errors\"'", "'alertname==\"x\"'", '="x"', "not a matcher"),
        ("'alertname=\"Errors\"'", "'alertname=~\"(\"'", '"("', "RE2"),
        ("name: errors, match", "match", "{match", "`name` is missing"),
        ("  errors:", "  errors: {}\n  errors:", "errors:\n", "stands twice"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(checked: Check, before: str, after: str, place: str, said: str) -> None:
    assert before in BOOK
    text = BOOK.replace(before, after, 1)
    where = text.index(place)
    line, column = text.count("\n", 0, where) + 1, where - text.rfind("\n", 0, where)
    problems = shown(checked, main=text)
    found = [problem for problem in problems if problem.startswith(f"main.yaml:{line}:{column}: error:")]
    assert len(found) == 1, f"{line}:{column}\n" + "\n".join(problems)
    assert said in found[0]


def test_all_problems_of_all_files_are_told_in_one_run(checked: Check) -> None:
    broken = (
        BOOK.replace("rate.value > 0.5", "rate.vlaue > 0.5").replace("[restart]", "[stop]").replace("critical", "big")
    )
    found = [problem.origin.file for problem in checked(one=broken, two=broken, three="rules: [\n").errors]
    assert found == ["one.yaml"] * 3 + ["three.yaml"] + ["two.yaml"] * 3


def test_a_step_that_is_wrong_does_not_make_those_that_read_it_wrong(checked: Check) -> None:
    found = shown(checked, main=BOOK.replace("test.rate", "test.rats"))
    assert len(found) == 1
    assert "did you mean `test.rate`" in found[0]


@pytest.mark.parametrize(
    ("written", "line", "column"),
    [
        ("say: 'It''s ${rate.vlaue}'", 5, 28),
        ('say: "a\\tb ${rate.vlaue}"', 5, 27),
        ("say: >-\n          first\n          then ${rate.vlaue}", 7, 23),
        ("say: |\n          first\n\n          ${rate.vlaue}", 8, 18),
        ("say: plain and\n          ${rate.vlaue}", 6, 18),
    ],
)
def test_a_wrong_expression_is_found_in_quoted_folded_and_block_text(
    checked: Check, written: str, line: int, column: int
) -> None:
    text = f"""playbooks:
  errors:
    diagnose: {{rate: {{test.rate: {{query: up}}}}}}
    conclude:
      - {written}
"""
    found = checked(main=text).problems
    assert [(problem.origin.line, problem.origin.column) for problem in found] == [(line, column)]


def test_a_parameter_that_is_a_template_is_compiled_for_its_place_and_typed_later(checked: Check) -> None:
    def changed(to: str) -> list[str]:
        return shown(checked, main=BOOK.replace("query: 'up", f"{to}, query: 'up"))

    assert changed("limit: '${vars.severe}'") == []
    assert (
        "no variable" in changed("limit: '${vars.sever}'")[0] or "did you mean" in changed("limit: '${vars.sever}'")[0]
    )
    assert "circle" in changed("limit: '${rate.count}'")[0]
    assert "`limi`" in changed("limi: '${vars.severe}'")[0]


def test_columns_declared_in_the_rules_are_typed(checked: Check) -> None:
    text = """
    playbooks:
      errors:
        diagnose: {orders: {test.table: {columns: {wrong: int, at: string}}}}
        conclude:
          - {name: one, when: 'orders.first.wrong > 0', say: "${orders.first.at}"}
          - {name: two, when: 'orders.first.at > 0', say: "x"}
    """
    found = checked(main=text).problems
    assert [problem.origin.line for problem in found] == [7]


def test_a_reading_that_only_verifies_is_not_for_conclusions(checked: Check) -> None:
    found = shown(
        checked,
        main=BOOK.replace("when: 'rate.value > 0.5'", "only: verify").replace(
            "rate.value > vars", "pods.ready > 0 && rate.value > vars"
        ),
    )
    assert len(found) == 1
    assert "only runs to verify" in found[0]


def test_a_label_that_may_be_missing_is_a_warning(checked: Check) -> None:
    report = checked(main=BOOK.replace("correlate_by: [namespace]", "correlate_by: [cluster]"))
    assert not report.errors
    assert [problem.message for problem in report.warnings] == [
        "the label `namespace` may be missing in incidents of the rule main/errors"
    ]
    matched = BOOK.replace("correlate_by: [namespace]", "correlate_by: []").replace(
        '"Errors"\'', '"Errors"\', \'namespace="x"\''
    )
    assert shown(checked, main=matched) == []


def test_a_label_that_is_asked_for_before_it_is_read_is_no_warning(checked: Check) -> None:
    text = BOOK.replace(
        "when: 'rate.value > 0.5'", "when: '\"agent\" in labels', target: {kind: Pod, name: '${labels.agent}'}"
    )
    assert shown(checked, main=text) == []


@pytest.mark.parametrize(
    ("first", "second", "shadowed"),
    [
        ('alertname="A"', 'alertname="A"', True),
        ('alertname=~"A|B"', 'alertname="B"', True),
        ('alertname=~"A|B|C"', 'alertname=~"A|C"', True),
        ('alertname=~"A.*"', 'alertname=~"AB|AC"', True),
        ('alertname!="A"', 'alertname="B"', True),
        ('alertname="A"', 'alertname="B"', False),
        ('alertname="A"', 'alertname=~"A|B"', False),
        ('alertname=~"A"', 'alertname=~"A.*"', False),
    ],
)
def test_a_rule_that_an_earlier_one_shadows_is_a_warning(
    checked: Check, first: str, second: str, shadowed: bool
) -> None:
    report = checked(
        main=f"""
        rules:
          - {{name: first, match: ['{first}'], record_only: true}}
          - {{name: second, match: ['{second}', 'namespace="x"'], record_only: true}}
        """
    )
    assert not report.errors
    assert [p.message for p in report.warnings] == (["the rule main/second can never match"] if shadowed else [])


def test_a_rule_whose_matchers_exclude_each_other_is_a_warning(checked: Check) -> None:
    report = checked(main="""rules: [{name: a, match: ['x="1"', 'x=~"2|3"'], record_only: true}]""")
    assert "can never match" in report.warnings[0].message


def test_a_confidential_playbook_that_everybody_hears_of_is_a_warning(checked: Check) -> None:
    report = checked(main=BOOK.replace(VARS, VARS + "    confidential: true\n"))
    assert [(problem.origin.line, problem.gravity) for problem in report.problems] == [(7, "warning")]
    only = "    confidential: true\n    notify: {only: [security]}\n"
    assert shown(checked, main=BOOK.replace(VARS, VARS + only)) == []


def test_a_path_that_is_not_there_is_an_error() -> None:
    report = check([Path("nowhere")], Registry({}, {}, {}))
    assert [problem.message for problem in report.errors] == ["there is no such file or folder"]


OWNED = """
teams:
  payments: {namespaces: ["pay-.*"], packs: [books]}
  shop: {namespaces: [shop], packs: [tools]}
override:
  books/errors: {vars: {severe: 0.2}}
"""


def test_packs_of_teams_have_no_problem(checked: Check) -> None:
    assert shown(checked, books__a=BOOK, tools="playbooks: {p: {}}", own=OWNED) == []


@pytest.mark.parametrize(
    ("before", "after", "place", "said"),
    [
        ("[books]", "[book]", "book]", "no pack is called `book`"),
        ("[books]", "[book]", "book]", "did you mean `books`? Valid: books, own, tools"),
        ("[tools]", "[tools, books]", "books]}\noverride", "the pack `books` belongs to the team payments already"),
        ('namespaces: ["pay-.*"], ', "", "packs: [books]", 'add `namespaces: ["NAME-.*"]`'),
        ('namespaces: ["pay-.*"], ', "namespaces: [], ", "packs: [books]", "they could act nowhere"),
        ("[tools]", "[own]", "books/errors", "the pack `own` of the team shop overrides `books/errors`"),
        ("[tools]", "[own]", "books/errors", "move it to a rule file that is in no team's `packs`"),
    ],
)
def test_what_is_wrong_with_the_packs_of_teams_is_told_at_its_place(
    checked: Check, before: str, after: str, place: str, said: str
) -> None:
    assert before in OWNED
    text = OWNED.replace(before, after, 1)
    where = text.index(place)
    line, column = text.count("\n", 0, where) + 1, where - text.rfind("\n", 0, where)
    (problem,) = shown(checked, books__a=BOOK, tools="playbooks: {p: {}}", own=text)
    assert problem.startswith(f"own.yaml:{line}:{column}: error:")
    assert said in problem


def test_a_teams_pack_may_override_another_of_the_same_team(checked: Check) -> None:
    text = OWNED.replace("[books]", "[books, own]")
    assert shown(checked, books__a=BOOK, tools="playbooks: {p: {}}", own=text) == []


def test_a_pack_whose_file_is_broken_is_not_called_unknown_besides(checked: Check) -> None:
    (problem,) = shown(checked, books__a="playbooks: [", own="teams: {pay: {namespaces: [pay], packs: [books]}}")
    assert problem.startswith("books/a.yaml:")
