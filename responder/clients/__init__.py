"""The only code that speaks to outside systems: every call has a deadline, every SDK error is mapped here."""
