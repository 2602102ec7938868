"""
Whole engines on a real store in a world of a few objects, driven by a seeded schedule that lets them die anywhere.

`story` writes what happens on a `stage`, with what comes from `outside`, until its `ending`; `replica` is one process,
`points` are the places where it can die or stand still, `world` counts effects, `laws` say what must hold, `counting`
what guards allow, `asking` what people did. `python -m tests.simulation --seed N` tells one story step by step.
"""
