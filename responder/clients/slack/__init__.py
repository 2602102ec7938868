"""Slack: its markup, its blocks, its limits, its errors and its pace. Nothing here decides what is said."""
