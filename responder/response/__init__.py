"""The brain: lifecycle, severity, findings, proposals, the message. Pure: no I/O, no clock, no randomness."""
