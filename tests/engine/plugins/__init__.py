"""Plugins for tests of the engine: steps that do as they are told, a destination that is a file."""
