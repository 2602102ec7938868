"""Reading steps, one file each. A file here sees the plugin contract, the model and the errors only."""
