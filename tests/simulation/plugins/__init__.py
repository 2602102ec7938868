"""What the engines of a story do to its world."""
