"""
What the actions share that change or make one object: previewed, written once, followed, and put back.

Everything goes through one conditional write, or one creation under a name of its own. Nothing here knows an action.
"""
