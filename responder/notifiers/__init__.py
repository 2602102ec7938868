"""Destinations, one file each."""
