"""The HTTP API: where uploads begin, and where their results are read and deleted."""
