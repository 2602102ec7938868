"""Label values that mean harm, and for every plugin parameters that are whole, so that any part can be one of them."""

from collections.abc import Mapping
from typing import Any

VALUES = (
    *("'", '"', "`", "\\", "'\"'\"'", "\\'", "'; DROP TABLE keys; --", "' OR 1=1 --", "$1", "E'\\''", "--", "/*", "*/"),
    *(
        '"}, {"name": "',
        '"} or vector(1) #',
        'x",a=~".*',
        '"\n',
        "}",
        "{",
        "[",
        "](",
        ") or up",
        ".*",
        "a|b",
        "^$",
        "(?i)x",
    ),
    *(
        "a\nb",
        "a\r\nX-Evil: 1",
        "\n\nkind: Secret",
        "- a: b",
        "&a *a !!python/object:x",
        "a: b",
        "#",
        "%",
        "%s%n",
        "%0a",
    ),
    *("a=b,c!=d", "app in (a,b)", "!a", "a,b", "*", "?", "~", "{a,b}", "[1-9]", "~1~0/", "/", "a/b", "a%2fb", "a;b=c"),
    *(
        "{{ .Value }}",
        "${labels.x}",
        "${1 + 1}",
        "{0}",
        "%(x)s",
        "$HOME",
        "${HOME}",
        "$(HOME)",
        "$((1+1))",
        "!!",
        "=(id)",
    ),
    *("$(touch pwned)", "`touch pwned`", "; touch pwned", "| touch pwned", "&& touch pwned", "> pwned", "a b", "\ttab"),
    *("<!channel>", "<!here|x>", "<https://evil.example|x>", "<@U012AB3CD>", "&lt;", "*b* _i_ `c`", "@everyone", "|||"),
    *(
        "\u202eevil",
        "\u2066a\u2069",
        "a\u200bb",
        "\ufeff",
        "\u2028",
        "\x1b[31m",
        "\x07",
        "\x7f",
        "\x85",
        "e\u0301",
        "🙂",
    ),
    *(
        "a\x00b",
        "a\ud800b",
        "\udfff",
        "../",
        "../../etc/passwd",
        "..",
        ".",
        "..%2f..",
        "%2e%2e/",
        "/etc/passwd",
        "\\..\\",
    ),
    *(
        "-x",
        "--flag",
        "--filename=http://evil.example/x",
        "-",
        "-n kube-system",
        "@/etc/passwd",
        "@-",
        "file:///etc/passwd",
    ),
    *(
        "http://good@evil.example",
        "//evil.example",
        "https:evil.example",
        "?a=b&c=d",
        "a?b#c",
        "169.254.169.254",
        "[::1]",
    ),
    *(
        "kube-system",
        "KUBE-SYSTEM",
        "kube-system.",
        "true",
        "null",
        "0",
        "1e9",
        "-1",
        "1m",
        "fe80::1%$(id)",
        "0.0.0.0/0",
    ),
    *("true || labels.x == 'y'", "size(labels) > 0", "", " ", "x" * 300, "é" * 20_000, "a" * 17_000),
)
"""Quotes, line ends, selectors, PromQL, CEL, YAML, shell, SQL, Slack's markup, paths, flags, addresses, odd text."""

_DEPLOYED = {"container": "api"}
DIAGNOSTICS: Mapping[str, Mapping[str, Any]] = {
    "alerts.related": {},
    "http.check": {"url": "http://h.example/x", "method": "GET", "expect": [200], "body": "ok", "credentials": "a"}
    | {"redirects": "none", "timeout": "1s", "certificate_ends_within": "1h"},
    "http.json": {"url": "http://h.example/x", "pick": "a.b", "type": "string", "credentials": "a", "timeout": "1s"},
    "kubernetes.config": {"window": "1h", "keys": True},
    "kubernetes.events": {"within": "1h", "show": 1},
    "kubernetes.logs": {"selector": "app=api", **_DEPLOYED, "tail": 1, "since": "1h", "previous": False, "grep": "x"}
    | {"count": {"a": "x"}, "extract": {"a": "(x)"}, "show": 1, "pods": 1},
    "kubernetes.nodes": {"all": False},
    "kubernetes.pod_http": {"port": 80, "service": "api", "path": "/x", "scheme": "http", "expect": "x"}
    | {"metrics": ["a"], "pods": 1},
    "kubernetes.pods": {"within": "1h", "show": 1},
    "kubernetes.rollout_history": {"window": "1h"},
    "kubernetes.services": {},
    "kubernetes.usage": {},
    "kubernetes.workload": {},
    "postgres.activity": {"source": "main"},
    "postgres.query": {"source": "main", "sql": "SELECT $1::text AS a", "params": ["x"], "columns": {"a": "string"}}
    | {"limit": 1, "timeout": "1s"},
    "postgres.replication": {"source": "main"},
    "prometheus.query": {"query": "up", "chart": False, "unit": "s", "title": "t"},
    "prometheus.range": {"query": "up", "window": "1h", "step": "1m", "unit": "s", "title": "t"},
    "redis.info": {"source": "cache"},
}
_AMOUNTS = {"memory": "1Gi"}
ACTIONS: Mapping[str, Mapping[str, Any]] = {
    "alertmanager.silence": {"matchers": {"a": "x"}, "duration": "1h", "comment": "x"},
    "evidence.capture": {
        "logs": True,
        "manifests": True,
        "events": True,
        "exec": [{"argv": ["/tmp/a", "/tmp/a"], "file": "/tmp/a"}],
    },
    "http.request": {"method": "POST", "url": "http://h.example/x", "headers": {"X-A": "x"}, "body": "x", "via": ""}
    | {"credentials": "a", "expect": [200], "timeout": "1s"},
    "kubernetes.apply": {"manifest": "a.yaml", "namespace": "shop"},
    "kubernetes.cordon": {},
    "kubernetes.delete_pod": {"force": False},
    "kubernetes.exec": {"argv": ["x"], **_DEPLOYED},
    "kubernetes.isolate_pod": {"labels": ["app"]},
    "kubernetes.network_lockdown": {"direction": "both", "allow_dns": False},
    "kubernetes.patch_configmap": {"name": "flags", "namespace": "shop", "set": {"A": "x"}, "restart": False}
    | {"add_cidrs": {"b": ["192.0.2.1"]}},
    "kubernetes.patch_secret": {"name": "a", "namespace": "shop", "key": "k", "from": {"secret": "b", "key": "k"}},
    "kubernetes.rollout_restart": {},
    "kubernetes.rollout_undo": {"to_revision": 1},
    "kubernetes.run_job": {"template": "a", "namespace": "shop"},
    "kubernetes.scale": {"by": 1, "max": 2, "allow_decrease": False},
    "kubernetes.set_env": {"set": {"A": "x"}, **_DEPLOYED},
    "kubernetes.set_image": {"image": "r/a:1", **_DEPLOYED},
    "kubernetes.set_resources": {"limits": _AMOUNTS, "requests": _AMOUNTS, **_DEPLOYED, "allow_decrease": False},
    "kubernetes.uncordon": {},
    "postgres.execute": {"source": "main", "statements": ["UPDATE t SET a = $1"], "params": ["x"], "rows": {"max": 1}},
    "postgres.terminate_backends": {"source": "main", "idle_for": "1h", "idle_in_transaction_for": "1h"}
    | {"active_for": "1h", "application": "x", "cap": 1},
    "prometheus.wait": {"query": "up", "hold": "1s", "within": "1m"},
    "redis.config_set": {"source": "cache", "set": {"maxmemory-policy": "x"}, "allow_decrease": False},
    "redis.flush_db": {"source": "cache"},
}
NOTIFIERS: Mapping[str, Mapping[str, Any]] = {
    "console": {"form": "text"},
    "email": {"to": ["a@example.com"]},
    "pagerduty": {"service": "main", "severities": {"P1": "critical"}},
    "slack": {"channel": "incidents", "mention": ["here"]},
    "slack_webhook": {"to": "main"},
    "webhook": {"to": "main"},
}
WHOLE: Mapping[str, Mapping[str, Any]] = {**DIAGNOSTICS, **ACTIONS, **NOTIFIERS}
"""By plugin: parameters that are valid, with every parameter that it takes but for those that exclude another."""

LEFT_OUT: Mapping[str, frozenset[str]] = {
    "kubernetes.scale": frozenset({"replicas"}),
    "postgres.execute": frozenset({"rows.exactly"}),
    "kubernetes.patch_secret": frozenset({"source", "source.secret", "source.key"}),
}
"""Those that exclude another, and other names of the same; none takes text that the others do not."""

INSTEAD: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("kubernetes.patch_secret", "value"): {"name": "a", "key": "k", "value": "${inputs.token}"},
}
"""Parameters that are whole for one of those that exclude another, and take what the others do not."""

OPEN: frozenset[tuple[str, str]] = frozenset(
    {
        ("http.check", "url"),
        ("http.check", "body"),
        ("http.json", "url"),
        ("http.json", "pick"),
        ("kubernetes.logs", "selector"),
        ("kubernetes.logs", "container"),
        ("kubernetes.logs", "grep"),
        ("kubernetes.logs", "count.*"),
        ("kubernetes.logs", "extract.*"),
        ("kubernetes.pod_http", "service"),
        ("kubernetes.pod_http", "path"),
        ("kubernetes.pod_http", "expect"),
        ("kubernetes.pod_http", "metrics.*"),
        ("postgres.query", "params.*"),
        ("prometheus.query", "query"),
        ("prometheus.query", "unit"),
        ("prometheus.query", "title"),
        ("prometheus.range", "query"),
        ("prometheus.range", "unit"),
        ("prometheus.range", "title"),
        ("alertmanager.silence", "matchers.*"),
        ("alertmanager.silence", "comment"),
        ("evidence.capture", "exec.*.argv.*"),
        ("http.request", "url"),
        ("http.request", "headers.*"),
        ("http.request", "body"),
        ("kubernetes.exec", "argv.*"),
        ("kubernetes.patch_configmap", "set.*"),
        ("kubernetes.set_env", "set.*"),
        ("postgres.execute", "params.*"),
        ("postgres.terminate_backends", "application"),
        ("prometheus.wait", "query"),
        ("redis.config_set", "set.*"),
    }
)
"""The parameters into which hostile text can come at all; each has a way to be held in `test_hostile.py`."""
