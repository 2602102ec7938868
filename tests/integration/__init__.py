"""Tests with real servers on both sides: a Prometheus that evaluates rules, an Alertmanager that delivers."""
