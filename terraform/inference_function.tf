# The inference image as a function. What it is asked and answers is the container's HTTP, in API Gateway's format.
locals {
  inference_function     = "${local.name_prefix}-inference"
  inference_function_arn = "arn:${local.partition}:lambda:${var.region}:${local.account_id}:function:${local.inference_function}"
}

resource "aws_lambda_function" "inference" {
  #checkov:skip=CKV_AWS_115:A reservation takes from the account's pool, which starts at 10; Step Functions retries.
  #checkov:skip=CKV_AWS_116:Nothing invokes it asynchronously; what fails is caught by the state machine.
  #checkov:skip=CKV_AWS_117:It talks to S3 only; a VPC would add a NAT gateway's cost and no protection.
  #checkov:skip=CKV_AWS_272:Code signing is for archives; the image is pinned by its tag or digest.
  count = local.has_endpoint ? 0 : 1

  function_name = local.inference_function
  description   = "Makes the mask of a proxy, on the CPU."
  role          = aws_iam_role.inference_function[0].arn
  package_type  = "Image"
  image_uri     = local.inference_image_uri
  architectures = ["x86_64"] # as SageMaker's instances
  memory_size   = var.inference_function_memory_mb
  timeout       = 60 # the app itself answers 503 after 50

  ephemeral_storage {
    size = var.inference_weights == null ? 512 : 4096 # MB: weights are downloaded there
  }

  image_config {
    command = ["lambda"]
  }

  environment {
    variables = merge(local.inference_environment, var.function_environment)
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.inference_function[0].name
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  depends_on = [aws_ecr_repository_policy.inference, aws_iam_role_policy.inference_function]
}

resource "aws_cloudwatch_log_group" "inference_function" {
  count = local.has_endpoint ? 0 : 1

  name              = "/aws/lambda/${local.inference_function}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "inference_function" {
  count = local.has_endpoint ? 0 : 1

  name                 = "${local.global_prefix}-inference-function"
  assume_role_policy   = data.aws_iam_policy_document.function_trust.json
  permissions_boundary = local.permissions_boundary
}

resource "aws_iam_role_policy" "inference_function" {
  count = local.has_endpoint ? 0 : 1

  name   = "own-actions"
  role   = aws_iam_role.inference_function[0].id
  policy = data.aws_iam_policy_document.inference_function[0].json
}

data "aws_iam_policy_document" "inference_function" {
  count = local.has_endpoint ? 0 : 1

  statement {
    actions   = ["s3:GetObject"]
    resources = local.inference_object_arns
  }

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.inference_function[0].arn}:*"]
  }

  # X-Ray knows no resources: AWS takes only * for these actions.
  statement {
    actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    resources = ["*"]
  }
}
