"""Mutated pictures, by the hundred thousand, on their whole way through the pipeline."""
