"""The loops around `response`: accept, correlate, turn, perform, reconcile; and what carries actions out, once."""
