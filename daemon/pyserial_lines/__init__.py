"""A folder put on a guarded program's path, not a package of ours to import."""
