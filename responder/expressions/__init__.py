"""CEL: compile against declared types, evaluate, interpolate `${...}` with the escaping that the place needs."""
