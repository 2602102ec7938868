"""The command-line door: each command is one module; what they do lies in the rooms below."""
