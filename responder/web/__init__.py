"""The HTTP door: webhook, API, people's answers, Slack's buttons, health, metrics."""
