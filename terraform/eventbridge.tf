# S3 sends its events to the default bus only; ours go there too, so that one bus holds the whole story of a picture.
data "aws_cloudwatch_event_bus" "default" {
  name = "default"
}

locals {
  # The other fields that the workflow needs are its first state's to check: an event that a pattern does not match
  # vanishes, and a malformed one has to be seen.
  upload_arrived = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    account     = [local.account_id]
    detail = {
      bucket = { name = [aws_s3_bucket.bucket["uploads"].bucket] }
      object = { key = [{ prefix = "uploads/" }] }
    }
  })
}

resource "aws_cloudwatch_event_rule" "upload_arrived" {
  name          = "${local.name_prefix}-upload-arrived"
  description   = "A picture arrived in the uploads bucket."
  event_pattern = local.upload_arrived
}

resource "aws_cloudwatch_event_target" "process_image" {
  rule      = aws_cloudwatch_event_rule.upload_arrived.name
  target_id = "process-image"
  arn       = aws_sfn_state_machine.process_image.arn
  role_arn  = aws_iam_role.upload_arrived.arn

  # A day of tries, then the queue: an event is never dropped.
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }

  dead_letter_config {
    arn = aws_sqs_queue.dead_letter.arn
  }
}

resource "aws_cloudwatch_event_archive" "uploads" {
  name             = "${local.name_prefix}-uploads"
  description      = "Every upload of the last 30 days, for replay to the rule."
  event_source_arn = data.aws_cloudwatch_event_bus.default.arn
  event_pattern    = local.upload_arrived
  retention_days   = 30
}

# An execution that was cut off cannot say so itself; of one that failed the record mostly says so already.
resource "aws_cloudwatch_event_rule" "execution_ended" {
  name        = "${local.name_prefix}-execution-ended"
  description = "An execution failed, timed out or was aborted."
  event_pattern = jsonencode({
    source      = ["aws.states"]
    detail-type = ["Step Functions Execution Status Change"]
    detail = {
      stateMachineArn = [local.state_machine_arn]
      status          = ["ABORTED", "FAILED", "TIMED_OUT"]
    }
  })
}

resource "aws_cloudwatch_event_rule" "reconcile" {
  for_each = toset(var.reconcile_schedule[*])

  name                = "${local.name_prefix}-reconcile"
  description         = "It is time to look for pictures that nothing has happened to."
  schedule_expression = each.key
}

locals {
  # What runs which function.
  function_rules = merge(
    { record_failure = aws_cloudwatch_event_rule.execution_ended },
    { for rule in aws_cloudwatch_event_rule.reconcile : "reconcile_records" => rule },
  )
}

resource "aws_cloudwatch_event_target" "function" {
  for_each = local.function_rules

  rule      = each.value.name
  target_id = each.key
  arn       = aws_lambda_function.function[each.key].arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letter.arn
  }
}

resource "aws_lambda_permission" "rule" {
  for_each = local.function_rules

  statement_id  = "FromTheRule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function[each.key].function_name
  principal     = "events.amazonaws.com"
  source_arn    = each.value.arn
}

resource "aws_iam_role" "upload_arrived" {
  name                 = "${local.global_prefix}-upload-arrived"
  assume_role_policy   = data.aws_iam_policy_document.upload_arrived_trust.json
  permissions_boundary = local.permissions_boundary
}

data "aws_iam_policy_document" "upload_arrived_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.upload_arrived.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_iam_role_policy" "upload_arrived" {
  name   = "start-execution"
  role   = aws_iam_role.upload_arrived.id
  policy = data.aws_iam_policy_document.upload_arrived.json
}

data "aws_iam_policy_document" "upload_arrived" {
  statement {
    actions   = ["states:StartExecution"]
    resources = [aws_sfn_state_machine.process_image.arn]
  }
}
