"""Builds the whole from the settings; the only file that knows all the rooms."""
