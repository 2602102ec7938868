"""
What the actions share that change a workload: found, planned, previewed, written once, followed, and put back.

Everything goes through one conditional write of the workload itself. Nothing here knows an action.
"""
