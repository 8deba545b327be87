"""What Lambda tells a handler about its invocation."""

from aws_lambda_powertools.utilities.typing import LambdaContext


class Context(LambdaContext):
    """The context of an invocation, as far as it is used."""

    _memory_limit_in_mb = 512
    _aws_request_id = "5f1c1a52-6e3f-4d0b-9a75-0d6f5c1e2b3a"

    def __init__(self, function_name: str = "matteflow-test") -> None:
        self._function_name = function_name
        self._invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function_name}"
