"""The mask engines: a file each."""
