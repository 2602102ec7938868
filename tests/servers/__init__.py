"""Servers that the tests speak to: real ones as processes, and small ones that speak the real protocol."""
