"""The HTTP door: webhook, API, health, metrics."""
