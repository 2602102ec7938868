"""Writing steps, one file each: the only writers to the world."""
