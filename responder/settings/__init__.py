"""
Typed process settings: the only reader of the environment and of responder.yaml.

Order of precedence: `RESPONDER_*` variables (nested with `__`), then the file, then the defaults. Every secret can also
be read from a file: `bot_token_file` beside `bot_token`, `RESPONDER_SLACK__BOT_TOKEN_FILE` likewise.
A relative path begins at the folder of the file that names it; in a variable, at the working directory.
"""
