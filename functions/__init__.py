"""The Lambda functions of Matteflow: one package, zipped once, a folder a function."""
