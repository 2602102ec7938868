"""
CEL: compile against declared types, evaluate, interpolate `${...}` with the escaping that the place needs.

Two environments: one checks what an author wrote against the types of `shapes`, the other runs the checked and
rewritten syntax tree over plain values. What is unknown is absent there, so that reading it is an error, never a
default; errors become `Undecided`. No function of ours runs inside an evaluation: those written in Python leak.
"""
