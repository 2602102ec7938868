"""`python -m responder` is the command `responder`."""

from responder.cli.main import main

main()
