"""The names that rules may use of the settings: of databases, credentials, clusters and destinations."""

from collections.abc import Mapping

from responder.settings.process import Settings


def names(settings: Settings) -> Mapping[str, frozenset[str]]:
    """
    Return the names there are by the setting that holds them, such as `datasources.redis`; "" where one has no name.

    `clusters` is left out with one cluster, whose label is not consulted.
    """
    clusters = settings.every_cluster
    found = {
        "datasources.postgres": {name for one in clusters.values() for name in one.datasources.postgres},
        "datasources.redis": {name for one in clusters.values() for name in one.datasources.redis},
        "credentials": set(settings.credentials),
        "slack.webhooks": set(settings.slack.webhooks),
        "pagerduty.services": set(settings.pagerduty.services),
        "outgoing": set(settings.outgoing),
        "slack.bot_token": {""} if settings.slack.bot_token else set(),
        "mail.host": {""} if settings.mail.host else set(),
        **({"clusters": set(clusters)} if len(clusters) > 1 else {}),
    }
    return {place: frozenset(known) for place, known in found.items()}
