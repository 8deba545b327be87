locals {
  state_machine = "${local.name_prefix}-process-image"

  # It is JSON before its placeholders are filled.
  workflow            = file("${path.root}/../statemachine/process_image.asl.json")
  execution_timeout_s = jsondecode(local.workflow).TimeoutSeconds

  # The functions that it calls.
  steps = [for name in keys(local.functions) : name if strcontains(local.workflow, "$${${name}_arn}")]

  # Spelled out, so that its own role and the functions it calls, or that start it, can name it.
  state_machine_arn = "arn:${local.partition}:states:${var.region}:${local.account_id}:stateMachine:${local.state_machine}"
}

resource "aws_sfn_state_machine" "process_image" {
  #checkov:skip=CKV_AWS_285:Transitions are logged without their data, which is personal; see logging_configuration.
  name     = local.state_machine
  type     = "STANDARD"
  role_arn = aws_iam_role.process_image.arn

  # The placeholder of a function is its key in local.functions.
  definition = templatefile("${path.root}/../statemachine/process_image.asl.json", merge(
    { for name, function in aws_lambda_function.function : "${name}_arn" => function.arn },
    {
      topic_arn             = aws_sns_topic.notices.arn
      uploads_bucket        = aws_s3_bucket.bucket["uploads"].bucket
      dead_letter_queue_url = aws_sqs_queue.dead_letter.url
      undelivered_queue_url = aws_sqs_queue.undelivered.url
      event_bus_name        = data.aws_cloudwatch_event_bus.default.name
      confidence_threshold  = var.confidence_threshold
      infer_mask_callback   = local.is_async ? ".waitForTaskToken" : ""
    },
  ))

  # Every transition is logged, but not its data: file names, recognised text and faces are personal, and the
  # execution's own history holds them for 90 days, for those who may read it.
  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.process_image.arn}:*"
    level                  = "ALL"
    include_execution_data = false
  }

  # Left out instead of disabled: an emulator that knows no tracing would answer the block as a change for ever.
  dynamic "tracing_configuration" {
    for_each = var.tracing ? [true] : []

    content {
      enabled = true
    }
  }

  # Step Functions tries its permission to log when the state machine is made.
  depends_on = [aws_iam_role_policy.process_image]
}

# Under /aws/vendedlogs/ a group needs no entry in the account's log resource policy, whose size is limited.
resource "aws_cloudwatch_log_group" "process_image" {
  name              = "/aws/vendedlogs/states/${local.state_machine}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "process_image" {
  name                 = "${local.global_prefix}-process-image"
  assume_role_policy   = data.aws_iam_policy_document.process_image_trust.json
  permissions_boundary = local.permissions_boundary
}

data "aws_iam_policy_document" "process_image_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["states.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.state_machine_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_iam_role_policy" "process_image" {
  name   = "integrations"
  role   = aws_iam_role.process_image.id
  policy = data.aws_iam_policy_document.process_image.json
}

data "aws_iam_policy_document" "process_image" {
  statement {
    actions   = ["lambda:InvokeFunction"]
    resources = [for name in local.steps : aws_lambda_function.function[name].arn]
  }

  statement {
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.notices.arn]
  }

  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letter.arn, aws_sqs_queue.undelivered.arn]
  }

  statement {
    actions   = ["events:PutEvents"]
    resources = [data.aws_cloudwatch_event_bus.default.arn]
  }

  # Log delivery and X-Ray know no resources: AWS takes only * for these actions.
  statement {
    actions = [
      "logs:CreateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:DescribeLogGroups",
      "logs:DescribeResourcePolicies",
      "logs:GetLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:UpdateLogDelivery",
      "xray:GetSamplingRules",
      "xray:GetSamplingTargets",
      "xray:PutTelemetryRecords",
      "xray:PutTraceSegments",
    ]
    resources = ["*"]
  }
}
