"""The loops around `response`: accept, correlate, turn, perform, reconcile."""
