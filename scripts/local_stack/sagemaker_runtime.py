"""SageMaker's runtime on one machine: ``InvokeEndpoint`` and ``InvokeEndpointAsync`` in front of the inference app.

Which endpoints exist is asked of the SageMaker control plane, so a missing or unfinished endpoint fails as on AWS.
What the container answers is passed on or translated as SageMaker documents it:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import argparse
from typing import Any

import boto3
import httpx
import uvicorn
from botocore.exceptions import ClientError
from fastapi import BackgroundTasks, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from scripts.local_stack.async_inference import AsyncInference, AsyncRequest, async_config
from scripts.local_stack.service import HOST

CONTAINER_TIMEOUT_S = 60.0  # a container must answer within 60 seconds
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
FORWARDED_HEADERS = ("Content-Type", "Accept", CUSTOM_ATTRIBUTES)


def error_response(status: int, name: str, message: str, **facts: Any) -> JSONResponse:
    return JSONResponse({"Message": message, **facts}, status, {"x-amzn-ErrorType": name})


def model_error(original_status: int, original_message: str) -> JSONResponse:
    """What SageMaker makes of a container that answered with an error; status 0 stands for none in time, or at all."""
    kind = "client" if 400 <= original_status < 500 else "server"
    return error_response(
        424,
        "ModelError",
        f'Received {kind} error ({original_status}) from primary with message "{original_message}".',
        OriginalStatusCode=original_status,
        OriginalMessage=original_message,
    )


def endpoint_problem(name: str) -> JSONResponse | None:
    """Why the endpoint cannot be invoked, or None when the control plane says it is in service."""
    try:
        status = boto3.client("sagemaker").describe_endpoint(EndpointName=name)["EndpointStatus"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return error_response(400, "ValidationError", f"Endpoint {name} not found.")
    if status != "InService":
        return error_response(400, "ValidationError", f"Endpoint {name} is not in service: it is {status}.")
    return None


def create_app(container_url: str) -> FastAPI:
    """The runtime of every endpoint, all of them served by the one container at ``container_url``."""
    app = FastAPI(title="SageMaker runtime on one machine")
    container = httpx.AsyncClient(base_url=container_url, timeout=CONTAINER_TIMEOUT_S, trust_env=False)

    @app.get("/ping")
    async def ping() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/endpoints/{name}/invocations")
    async def invoke_endpoint(name: str, request: Request) -> Response:
        if problem := await run_in_threadpool(endpoint_problem, name):
            return problem
        headers = {name: request.headers[name] for name in FORWARDED_HEADERS if name in request.headers}
        try:
            answer = await container.post("/invocations", content=await request.body(), headers=headers)
        except httpx.TimeoutException:
            return model_error(0, "The invocation timed out while waiting for a response from container primary.")
        except httpx.TransportError:
            return model_error(0, f"Amazon SageMaker could not get a response from the {name} endpoint.")
        if answer.is_error:
            return model_error(answer.status_code, answer.text)
        passed_on = {"x-Amzn-Invoked-Production-Variant": "AllTraffic"}
        if CUSTOM_ATTRIBUTES in answer.headers:
            passed_on[CUSTOM_ATTRIBUTES] = answer.headers[CUSTOM_ATTRIBUTES]
        return Response(answer.content, media_type=answer.headers.get("Content-Type"), headers=passed_on)

    @app.post("/endpoints/{name}/async-invocations")
    async def invoke_endpoint_async(name: str, request: Request, later: BackgroundTasks) -> Response:
        if problem := await run_in_threadpool(endpoint_problem, name):
            return problem
        config = await run_in_threadpool(async_config, name)
        if config is None:
            return error_response(400, "ValidationError", f"Endpoint {name} is not an asynchronous one.")
        inference = AsyncInference(AsyncRequest.of(name, request.headers), config, container_url, CONTAINER_TIMEOUT_S)
        later.add_task(inference.run)
        return JSONResponse(
            {"InferenceId": inference.request.inference_id},
            202,
            {
                "X-Amzn-SageMaker-OutputLocation": inference.output_location,
                "X-Amzn-SageMaker-FailureLocation": inference.failure_location,
            },
            background=later,
        )

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--container-url", required=True)
    arguments = parser.parse_args()
    uvicorn.run(create_app(arguments.container_url), host=HOST, port=arguments.port)


if __name__ == "__main__":
    main()
