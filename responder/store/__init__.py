"""
What outlives the process: named SQL, migrations, the SQLite and PostgreSQL drivers, typed rows.

One text of every statement serves both databases. Instants are microseconds since 1970 as integers, JSON is text,
bodies are bytes. Nothing here knows what an incident is for.
"""
