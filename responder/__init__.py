"""Responder: an Alertmanager webhook receiver and auto-responder. ARCHITECTURE.md lists the floors of the house."""
