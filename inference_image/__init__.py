"""The inference container: a picture in, its mask out, by SageMaker's container contract."""

import os

# Else ONNX Runtime, once it is imported, reports its use to its maker over the internet.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
