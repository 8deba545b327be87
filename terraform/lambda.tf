resource "aws_lambda_layer_version" "layer" {
  for_each = toset(["core", "imaging"])

  layer_name               = "${local.name_prefix}-${each.key}"
  description              = "Python packages of requirements/functions-${each.key}.txt."
  filename                 = "${var.build_dir}/layer-${each.key}.zip"
  source_code_hash         = filebase64sha256("${var.build_dir}/layer-${each.key}.zip")
  compatible_runtimes      = [var.lambda_runtime]
  compatible_architectures = [var.lambda_architecture]
}

resource "aws_lambda_function" "function" {
  #checkov:skip=CKV_AWS_115:A reservation takes from the account's pool, which starts at 10; the API throttles, Step Functions retries.
  #checkov:skip=CKV_AWS_116:The state machine catches what fails. Of those invoked asynchronously, a mask that complete_mask loses ends its state by the time-out; reconcile_records finds the pictures that record_failure loses, and runs again itself.
  #checkov:skip=CKV_AWS_117:The functions talk to AWS services only; a VPC would add a NAT gateway's cost and no protection.
  #checkov:skip=CKV_AWS_272:The archives are built from this checkout and pinned by their hash.
  for_each = local.functions

  function_name    = "${local.name_prefix}-${each.key}"
  description      = each.value.description
  role             = aws_iam_role.function[each.key].arn
  handler          = "functions.${each.key}.handler.handler"
  runtime          = var.lambda_runtime
  architectures    = [var.lambda_architecture]
  filename         = "${var.build_dir}/functions.zip"
  source_code_hash = filebase64sha256("${var.build_dir}/functions.zip")
  layers           = [for layer in each.value.layers : aws_lambda_layer_version.layer[layer].arn]
  memory_size      = each.value.memory_mb
  timeout          = each.value.timeout_s

  environment {
    variables = merge(
      { POWERTOOLS_SERVICE_NAME = each.key, LOG_LEVEL = var.log_level },
      each.value.environment,
      var.function_environment,
    )
  }

  # Naming the group here makes it first; Lambda's own would be kept for ever.
  logging_config {
    log_format = "Text" # the functions write JSON themselves
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  # Without its permissions a function's first calls would fail.
  depends_on = [aws_iam_role_policy.function]
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  name              = "/aws/lambda/${local.name_prefix}-${each.key}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name                 = "${local.global_prefix}-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.function_trust.json
  permissions_boundary = local.permissions_boundary
}

data "aws_iam_policy_document" "function_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name   = "own-actions"
  role   = aws_iam_role.function[each.key].id
  policy = data.aws_iam_policy_document.function[each.key].json
}

data "aws_iam_policy_document" "function" {
  for_each = local.functions

  dynamic "statement" {
    for_each = each.value.statements

    content {
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function[each.key].arn}:*"]
  }

  # X-Ray knows no resources: AWS takes only * for these actions.
  statement {
    actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    resources = ["*"]
  }
}
