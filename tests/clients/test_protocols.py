"""The clients offer what plugins are promised, to the last default."""

import inspect
from typing import Any

import pytest

from responder.clients.evidence import EvidenceRoom
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.clients.kubernetes_writing import KubernetesWriter
from responder.clients.postgres import Postgres
from responder.clients.postgres_writing import PostgresWriter
from responder.clients.prometheus import Prometheus
from responder.clients.redis import Redis
from responder.clients.redis_writing import RedisWriter
from responder.clients.silencing import Silencing
from responder.plugins import acting, tools

PAIRS = [
    (tools.Http, Http),
    (tools.Kubernetes, Kubernetes),
    (tools.Postgres, Postgres),
    (tools.Prometheus, Prometheus),
    (tools.Redis, Redis),
    (acting.Cluster, KubernetesWriter),
    (acting.Database, PostgresWriter),
    (acting.Cache, RedisWriter),
    (acting.Caller, Http),
    (acting.Silences, Silencing),
    (acting.Evidence, EvidenceRoom),
]


def promised(protocol: type) -> dict[str, Any]:
    return {name: each for name, each in vars(protocol).items() if inspect.iscoroutinefunction(each)}


@pytest.mark.parametrize(
    ("protocol", "client"), PAIRS, ids=[f"{client.__module__}.{client.__name__}" for _, client in PAIRS]
)
def test_every_method_takes_what_was_promised(protocol: type, client: type) -> None:
    assert promised(protocol)
    for name, method in promised(protocol).items():
        offered = getattr(client, name)
        assert inspect.iscoroutinefunction(offered), name
        wanted, taken = inspect.signature(method).parameters, inspect.signature(offered).parameters
        shapes = {key: (each.kind, each.default) for key, each in wanted.items()}
        assert shapes == {key: (each.kind, each.default) for key, each in taken.items()}, name
