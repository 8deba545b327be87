"""What builds, deploys and stands in for AWS: the commands behind the Makefile."""
