# What an operator is told of. Alarms cost while nothing happens, so there are none where nobody would hear them.
locals {
  # Thresholds are sums over five minutes; of a queue, the most messages in it. A step's errors are no alarm: a file that
  # is not taken is one, and what the workflow cannot put right fails its execution.
  all_alarms = merge(
    {
      executions_failed    = { namespace = "AWS/States", metric = "ExecutionsFailed", above = 0, of = { StateMachineArn = local.state_machine_arn } }
      executions_timed_out = { namespace = "AWS/States", metric = "ExecutionsTimedOut", above = 0, of = { StateMachineArn = local.state_machine_arn } }
      executions_throttled = { namespace = "AWS/States", metric = "ExecutionThrottled", above = 10, of = { StateMachineArn = local.state_machine_arn } }
      api_errors           = { namespace = "AWS/ApiGateway", metric = "5xx", above = 0, of = { ApiId = aws_apigatewayv2_api.api.id } }
    },
    {
      for name, queue in { dead_letter = aws_sqs_queue.dead_letter, undelivered = aws_sqs_queue.undelivered } :
      "${name}_queue" => { namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", above = 0, of = { QueueName = queue.name } }
    },
    {
      for name, function in aws_lambda_function.function :
      "${name}_errors" => { namespace = "AWS/Lambda", metric = "Errors", above = 0, of = { FunctionName = function.function_name } }
      if !contains(local.steps, name)
    },
    {
      for name, function in aws_lambda_function.function :
      "${name}_throttles" => { namespace = "AWS/Lambda", metric = "Throttles", above = 10, of = { FunctionName = function.function_name } }
    },
    {
      for endpoint in aws_sagemaker_endpoint.inference :
      "endpoint_errors" => { namespace = "AWS/SageMaker", metric = "Invocation5XXErrors", above = 5, of = { EndpointName = endpoint.name, VariantName = local.variant } }
    },
    {
      for function in aws_lambda_function.inference :
      "inference_errors" => { namespace = "AWS/Lambda", metric = "Errors", above = 5, of = { FunctionName = function.function_name } }
    },
  )

  alarms       = { for name, alarm in local.all_alarms : name => alarm if length(var.alarm_emails) > 0 }
  alarm_topics = toset(length(var.alarm_emails) > 0 ? ["alarms"] : [])
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each = local.alarms

  alarm_name          = "${local.name_prefix}-${each.key}"
  alarm_description   = "${each.value.metric} is above ${each.value.above} within five minutes."
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.of
  statistic           = each.value.namespace == "AWS/SQS" ? "Maximum" : "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  treat_missing_data  = "notBreaching" # most of these metrics exist only while something happens
  alarm_actions       = [for topic in aws_sns_topic.alarms : topic.arn]
  ok_actions          = [for topic in aws_sns_topic.alarms : topic.arn]
}

resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:CloudWatch cannot publish under the AWS managed key, and an alarm says nothing of a picture.
  for_each = local.alarm_topics

  name = "${local.name_prefix}-${each.key}"
}

data "aws_iam_policy_document" "alarms" {
  for_each = aws_sns_topic.alarms

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [each.value.arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "FromTheAlarms"
    actions   = ["sns:Publish"]
    resources = [each.value.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:${local.name_prefix}-*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_sns_topic_policy" "alarms" {
  for_each = aws_sns_topic.alarms

  arn    = each.value.arn
  policy = data.aws_iam_policy_document.alarms[each.key].json
}

resource "aws_sns_topic_subscription" "alarms" {
  for_each = toset(var.alarm_emails)

  topic_arn = aws_sns_topic.alarms["alarms"].arn
  protocol  = "email"
  endpoint  = each.key
}
