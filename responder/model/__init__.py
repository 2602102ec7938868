"""
The words of the field as frozen data and pure functions.

No I/O, no clock, no randomness, and no import of ours but `errors`. What comes from outside is parsed at the edge and
arrives here typed.
"""
