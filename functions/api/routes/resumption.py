"""POST /results/{image_id}/resume: a picture that FAILED, or was cut off, is processed again."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.depends import Depends

from functions.api.problem import ProblemError, documented
from functions.api.services import Injected, Owner, owned_record, workflow
from functions.core.models import Model
from functions.core.workflow import Workflow

router = Router()


class Resumption(Model):
    """The execution that processes the picture again."""

    execution_arn: str


@router.post(
    "/results/<image_id>/resume",
    summary="Process a picture that failed again",
    operation_id="resumeResult",
    responses={202: {"description": "It is processed again"}, **documented(404, 409)},
    status_code=HTTPStatus.ACCEPTED.value,
)
def resume_result(
    image_id: str, services: Injected, owner: Owner, workflow: Annotated[Workflow, Depends(workflow)]
) -> Resumption:
    record = owned_record(image_id, owner, services)
    if not workflow.has_stopped(record):
        raise ProblemError(
            HTTPStatus.CONFLICT,
            f"The picture is {record.status}, and only one that FAILED or was cut off can be resumed.",
        )
    execution_arn = workflow.resume(record, services.records)
    if execution_arn is None:
        raise ProblemError(HTTPStatus.CONFLICT, "The picture is being resumed already.")
    return Resumption(execution_arn=execution_arn)
