# What an operator is told of; RUNBOOK.md has a heading for each alarm. Alarms cost while nothing happens, so there are
# none where nobody would hear them.
locals {
  # An alarm is on the metric `of` some dimensions, or on the sum over several; of what it leaves out, `alarms` has the
  # usual. Thresholds are sums over five minutes, where nothing else is said. A step's errors are no alarm: a file that
  # is not taken is one, and what the workflow cannot put right fails its execution.
  all_alarms = merge(
    {
      executions_failed    = { says = "A picture could not be processed.", namespace = "AWS/States", metric = "ExecutionsFailed", above = 0, of = [{ StateMachineArn = local.state_machine_arn }] }
      executions_timed_out = { says = "An execution ran into its time-out.", namespace = "AWS/States", metric = "ExecutionsTimedOut", above = 0, of = [{ StateMachineArn = local.state_machine_arn }] }
      executions_throttled = { says = "Step Functions holds back the workflow.", namespace = "AWS/States", metric = "ExecutionThrottled", above = 10, of = [{ StateMachineArn = local.state_machine_arn }] }

      api_errors       = { says = "The API answers with 5xx.", namespace = "AWS/ApiGateway", metric = "5xx", above = 0, of = [{ ApiId = aws_apigatewayv2_api.api.id }] }
      api_latency      = { says = "One of 20 requests takes more than 5 s.", namespace = "AWS/ApiGateway", metric = "Latency", percentile = "p95", above = 5000, periods = 3, of = [{ ApiId = aws_apigatewayv2_api.api.id }] }
      api_throttled    = { says = "The API refuses many requests: too many come (429).", namespace = local.log_metrics_namespace, metric = "ApiThrottled", above = 100, of = [{}] }
      api_unauthorized = { says = "The API refuses many requests: they are not signed in, or may not do this (401, 403).", namespace = local.log_metrics_namespace, metric = "ApiUnauthorized", above = 100, of = [{}] }

      # Functions draw on one pool of concurrency, which belongs to the account and region: so do these two metrics.
      functions_throttled   = { says = "Lambda refuses to run functions.", namespace = "AWS/Lambda", metric = "Throttles", above = 10, of = [{}] }
      functions_concurrency = { says = "Over 80 % of the account's concurrency is in use.", namespace = "AWS/Lambda", metric = "ConcurrentExecutions", statistic = "Maximum", above = 80, expression = "100 * m0 / SERVICE_QUOTA(m0)", of = [{}] }
      functions_cut_off     = { says = "A function was killed: it ran out of time or memory.", namespace = local.log_metrics_namespace, metric = "FunctionsCutOff", above = 0, of = [{}] }
      errors_logged         = { says = "A function met what it does not understand, and went on.", namespace = local.log_metrics_namespace, metric = "ErrorsLogged", above = 0, of = [{}] }

      records_throttled = { says = "DynamoDB refuses requests to the table of the records.", namespace = "AWS/DynamoDB", metric = "ThrottledRequests", above = 10, of = [
        for operation in ["GetItem", "PutItem", "Query", "UpdateItem"] : { TableName = aws_dynamodb_table.records.name, Operation = operation }
      ] }
      rekognition_throttled = { says = "Rekognition refuses requests: pictures become PARTIAL.", namespace = "AWS/Rekognition", metric = "ThrottledCount", above = 10, of = [{}] }
    },
    {
      for name, queue in { dead_letter = aws_sqs_queue.dead_letter, undelivered = aws_sqs_queue.undelivered } :
      "${name}_queue" => { says = "Something was set aside.", namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", above = 0, of = [{ QueueName = queue.name }] }
    },
    {
      for name, queue in { dead_letter = aws_sqs_queue.dead_letter, undelivered = aws_sqs_queue.undelivered } :
      "${name}_queue_age" => { says = "What was set aside 7 days ago is lost in another 7.", namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum", above = 604800, of = [{ QueueName = queue.name }] }
    },
    {
      for name, function in aws_lambda_function.function :
      "${name}_errors" => { says = "A function that nobody waits for fails.", namespace = "AWS/Lambda", metric = "Errors", above = 0, of = [{ FunctionName = function.function_name }] }
      if !contains(concat(local.steps, ["api"]), name)
    },
    {
      # Missing data is what this one is about. It is silent for two rounds of the schedule, and for no less than an hour.
      for rule in aws_cloudwatch_event_rule.reconcile :
      "reconcile_records_absent" => { says = "Nothing looks for pictures that were lost sight of.", namespace = "AWS/Lambda", metric = "Invocations", below = 1, period_s = 3600, periods = min(168, ceil(max(1, 2 * local.reconcile_every_h))), missing = "breaching", of = [{ FunctionName = aws_lambda_function.function["reconcile_records"].function_name }] }
    },
    {
      for endpoint in aws_sagemaker_endpoint.inference :
      "endpoint_errors" => { says = "The endpoint answers with 5xx.", namespace = "AWS/SageMaker", metric = "Invocation5XXErrors", above = 5, of = [{ EndpointName = endpoint.name, VariantName = local.variant }] }
    },
    {
      # In microseconds.
      for endpoint in aws_sagemaker_endpoint.inference :
      "mask_latency" => { says = "One mask of 20 takes more than ${var.mask_latency_alarm_s} s.", namespace = "AWS/SageMaker", metric = "ModelLatency", percentile = "p95", above = var.mask_latency_alarm_s * 1000000, periods = 3, of = [{ EndpointName = endpoint.name, VariantName = local.variant }] }
    },
    {
      # In seconds. The workflow gives a mask up after 20 minutes.
      for endpoint in aws_sagemaker_endpoint.inference :
      "backlog_age" => { says = "A picture has waited for its mask for 15 minutes.", namespace = "AWS/SageMaker", metric = "ApproximateAgeOfOldestRequest", statistic = "Maximum", above = 900, of = [{ EndpointName = endpoint.name }] }
      if local.is_async
    },
    {
      for function in aws_lambda_function.inference :
      "inference_errors" => { says = "The inference function fails.", namespace = "AWS/Lambda", metric = "Errors", above = 5, of = [{ FunctionName = function.function_name }] }
    },
    {
      # In milliseconds.
      for function in aws_lambda_function.inference :
      "mask_latency" => { says = "One mask of 20 takes more than ${var.mask_latency_alarm_s} s.", namespace = "AWS/Lambda", metric = "Duration", percentile = "p95", above = var.mask_latency_alarm_s * 1000, periods = 3, of = [{ FunctionName = function.function_name }] }
    },
  )

  # A schedule by cron is taken to come once a day.
  reconcile_rate    = try(regex("^rate\\((\\d+) (minute|hour|day)s?\\)$", var.reconcile_schedule), ["1", "day"])
  reconcile_every_h = tonumber(local.reconcile_rate[0]) * { minute = 1 / 60, hour = 1, day = 24 }[local.reconcile_rate[1]]

  alarms = {
    for name, alarm in local.all_alarms : name => merge({
      statistic  = "Sum"
      percentile = null
      expression = length(alarm.of) > 1 ? "SUM(METRICS())" : null
      period_s   = 300
      periods    = 1
      missing    = "notBreaching" # most of these metrics exist only while something happens
    }, alarm) if length(var.alarm_emails) > 0
  }
  alarm_topics = toset(length(var.alarm_emails) > 0 ? ["alarms"] : [])
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each = local.alarms

  alarm_name          = "${local.name_prefix}-${each.key}"
  alarm_description   = "${each.value.says} What to do: RUNBOOK.md, ${each.key}."
  evaluation_periods  = each.value.periods
  comparison_operator = can(each.value.above) ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = try(each.value.above, each.value.below)
  treat_missing_data  = each.value.missing
  alarm_actions       = [for topic in aws_sns_topic.alarms : topic.arn]
  ok_actions          = [for topic in aws_sns_topic.alarms : topic.arn]

  namespace          = each.value.expression == null ? each.value.namespace : null
  metric_name        = each.value.expression == null ? each.value.metric : null
  dimensions         = each.value.expression == null ? each.value.of[0] : null
  period             = each.value.expression == null ? each.value.period_s : null
  statistic          = each.value.expression == null && each.value.percentile == null ? each.value.statistic : null
  extended_statistic = each.value.percentile

  dynamic "metric_query" {
    for_each = each.value.expression == null ? [] : each.value.of

    content {
      id = "m${metric_query.key}"

      metric {
        namespace   = each.value.namespace
        metric_name = each.value.metric
        dimensions  = metric_query.value
        period      = each.value.period_s
        stat        = each.value.statistic
      }
    }
  }

  dynamic "metric_query" {
    for_each = each.value.expression[*]

    content {
      id          = "watched"
      expression  = metric_query.value
      label       = each.value.metric
      return_data = true
    }
  }
}

# What the logs tell and no metric of AWS does. A filter costs nothing, and its metric only in the hours that it has
# found something in. A line of plain text has no field to tell environments apart by, so each has its own namespace.
locals {
  is_watched            = var.metrics_dashboard || length(var.alarm_emails) > 0
  log_metrics_namespace = "Matteflow/${var.environment}"

  all_log_metrics = merge(
    {
      api_throttled    = { metric = "ApiThrottled", group = aws_cloudwatch_log_group.api_access.name, pattern = "{ $.status = \"429\" }" }
      api_unauthorized = { metric = "ApiUnauthorized", group = aws_cloudwatch_log_group.api_access.name, pattern = "{ ($.status = \"401\") || ($.status = \"403\") }" }
    },
    {
      # Of the API's own errors its 5xx tell.
      for name, group in aws_cloudwatch_log_group.function :
      "${name}_errors_logged" => { metric = "ErrorsLogged", group = group.name, pattern = "{ ($.level = \"ERROR\") || ($.level = \"CRITICAL\") }" } if name != "api"
    },
    {
      # As Lambda itself writes it: of a time-out, of a process that has died, of a start that took too long.
      for name, group in merge(aws_cloudwatch_log_group.function, { for group in aws_cloudwatch_log_group.inference_function : "inference" => group }) :
      "${name}_cut_off" => { metric = "FunctionsCutOff", group = group.name, pattern = "?\"Task timed out\" ?\"Runtime exited\" ?\"Phase: init\"" }
    },
  )
}

resource "aws_cloudwatch_log_metric_filter" "log" {
  for_each = { for name, filter in local.all_log_metrics : name => filter if local.is_watched }

  name           = "${local.name_prefix}-${each.key}"
  log_group_name = each.value.group
  pattern        = each.value.pattern

  metric_transformation {
    namespace = local.log_metrics_namespace
    name      = each.value.metric
    value     = "1"
    unit      = "Count"
  }
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
