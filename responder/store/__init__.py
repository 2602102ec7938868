"""What outlives the process: named SQL statements, migrations, the SQLite and PostgreSQL drivers, typed rows."""
