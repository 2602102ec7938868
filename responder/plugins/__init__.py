"""
The contract between the engine and its plugins, and the registry that finds them.

A plugin is one file: a class with a `name`, nested `Params`, and one verb. It sees this package, the model, the errors
and the tools handed to it; never another plugin, the store, the settings, or an SDK. Nobody imports a plugin by name.
"""
