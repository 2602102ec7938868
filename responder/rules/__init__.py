"""YAML to typed rules: load, check, match, explain, JSON Schema, reload."""
