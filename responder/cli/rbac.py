"""`responder rbac`: the ServiceAccount, roles and bindings that the rules need at the Kubernetes API."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from responder.cli.config import Config, settings_of
from responder.cli.rules import registry
from responder.errors import ConfigError
from responder.model.action import Mode
from responder.model.near import did_you_mean
from responder.plugins.registry import Registry
from responder.rules.loading import load
from responder.rules.rbac import Account, as_yaml, manifests, roles
from responder.rules.rights import Bounds, rights

HEAD = """\
# The rights that the rules need at the Kubernetes API, by `responder rbac`: write it again when they change, and
# compare. Roles of the component `reader` are for looking; those of `actor` are for acting, and not needed before the
# setting `automation` is `approve` or `auto`.
"""
NOTHING = "# The rules need no rights at the Kubernetes API.\n"
NO_ACTOR = "# No action of the rules may be done under the ceilings: there is no actor.\n"


def rbac(
    rules: Annotated[
        list[Path] | None, typer.Option("--rules", help="Rule files and folders; else those of the settings.")
    ] = None,
    config: Config = None,
    namespace: Annotated[str, typer.Option(help="Where Responder runs.")] = "responder",
    service_account: Annotated[str, typer.Option(help="The ServiceAccount that it runs as.")] = "responder",
    actor: Annotated[
        str, typer.Option(help="Another ServiceAccount for acting, which kubernetes.action_kubeconfig logs in as.")
    ] = "",
    manual: Annotated[
        list[str] | None, typer.Option(help="An action that people shall be able to ask for besides; again for more.")
    ] = None,
    cluster: Annotated[str, typer.Option(help="Only what this cluster of several needs.")] = "",
    form: Annotated[Literal["yaml", "json"], typer.Option("--format", help="yaml with comments, or json.")] = "yaml",
) -> None:
    """
    Print the rights that the rules need at the Kubernetes API: no verb more, and no wildcard.

    A rule that matches one namespace gets a Role there; one that names none, or a pattern, a ClusterRole. Acting needs
    rights of its own where an action is `mode: approve` or `auto`, and the settings' `automation` allows it; with
    --rules and no --config, as if it did.

    Examples:

        responder rbac | kubectl apply -f -

        responder rbac --rules rules > deploy/rbac.yaml

        responder rbac | kubectl diff -f -

        responder rbac --manual kubernetes.scale --manual kubernetes.rollout_restart
    """
    settings = settings_of(config) if config or not rules else None
    plugins = registry()
    book = load(rules or (settings.rules if settings else ()), plugins)
    automation: Mode = settings.automation.mode if settings else "auto"
    label = settings.cluster_label if settings else "cluster"
    asked = tuple(dict.fromkeys(manual or ()))
    _check(asked, plugins)
    bounds = Bounds(automation=automation, labels={label: cluster} if cluster else {}, manual=asked)
    account = Account(namespace, service_account, actor or service_account)
    found = roles(rights(book.ruleset, plugins, bounds), account)
    if form == "json":
        listed = {"apiVersion": "v1", "kind": "List", "items": manifests(found, account)}
        typer.echo(json.dumps(listed, indent=2))
        return
    acting = any(role.component == "actor" for role in found)
    typer.echo(
        HEAD + (as_yaml(found, account) if found else NOTHING) + ("" if acting or not found else NO_ACTOR), nl=False
    )


def _check(actions: tuple[str, ...], plugins: Registry) -> None:
    for name in actions:
        if name not in plugins.actions:
            raise ConfigError(f"--manual: no action is called {name}{did_you_mean(name, plugins.actions)}")
