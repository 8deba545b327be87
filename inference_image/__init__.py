"""The inference container: a picture in, its mask out, by SageMaker's container contract."""
