"""Matteflow on one machine: what stands in for AWS, started, watched and stopped together."""
