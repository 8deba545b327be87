# What is watched, and who hears of it.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

variables {
  edge                = false
  environment         = "test"
  cors_origins        = ["https://photos.example.org"]
  inference_image_uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/matteflow-inference:1"
  alarm_emails        = ["ops@example.org"]
}

run "realtime" {
  assert {
    condition = keys(aws_cloudwatch_metric_alarm.alarm) == [
      "api_errors", "api_latency", "api_throttled", "api_unauthorized", "dead_letter_queue", "dead_letter_queue_age",
      "endpoint_errors", "errors_logged", "executions_failed", "executions_throttled", "executions_timed_out",
      "functions_concurrency", "functions_cut_off", "functions_throttled", "mask_latency", "reconcile_records_absent",
      "reconcile_records_errors", "record_failure_errors", "records_throttled", "rekognition_throttled",
      "undelivered_queue", "undelivered_queue_age",
    ]
    error_message = "What fails, is late, is set aside, is throttled or does not run has its alarm."
  }

  assert {
    condition = alltrue([
      for name, alarm in aws_cloudwatch_metric_alarm.alarm :
      alarm.alarm_actions == toset([aws_sns_topic.alarms["alarms"].arn]) && alarm.ok_actions == alarm.alarm_actions &&
      alarm.treat_missing_data == (name == "reconcile_records_absent" ? "breaching" : "notBreaching")
    ])
    error_message = "Every alarm tells the topic when it begins and ends, and silence is none but where nothing runs."
  }

  assert {
    condition     = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.alarm : endswith(alarm.alarm_description, " What to do: RUNBOOK.md, ${name}.")])
    error_message = "Every alarm says where to read what to do."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.alarm["mask_latency"].threshold == 10000000 &&
      aws_cloudwatch_metric_alarm.alarm["mask_latency"].extended_statistic == "p95" &&
      aws_cloudwatch_metric_alarm.alarm["mask_latency"].evaluation_periods == 3
    )
    error_message = "SageMaker's latency is in microseconds."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.alarm["reconcile_records_absent"].comparison_operator == "LessThanThreshold" &&
      aws_cloudwatch_metric_alarm.alarm["reconcile_records_absent"].threshold == 1 &&
      aws_cloudwatch_metric_alarm.alarm["reconcile_records_absent"].period == 3600 &&
      aws_cloudwatch_metric_alarm.alarm["reconcile_records_absent"].evaluation_periods == 1
    )
    error_message = "An hour without the quarter-hourly run is an alarm."
  }

  assert {
    condition = (
      length(aws_cloudwatch_metric_alarm.alarm["records_throttled"].metric_query) == 5 &&
      anytrue([for query in aws_cloudwatch_metric_alarm.alarm["records_throttled"].metric_query : query.expression == "SUM(METRICS())" ? query.return_data : false])
    )
    error_message = "All requests to the table count together."
  }

  assert {
    condition     = aws_sns_topic_subscription.alarms["ops@example.org"].topic_arn == aws_sns_topic.alarms["alarms"].arn
    error_message = "Each address hears the alarms."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.alarms["alarms"].statement[0].effect == "Deny" &&
      one(data.aws_iam_policy_document.alarms["alarms"].statement[1].principals).identifiers == toset(["cloudwatch.amazonaws.com"]) &&
      contains([for condition in data.aws_iam_policy_document.alarms["alarms"].statement[1].condition : condition.variable], "aws:SourceAccount")
    )
    error_message = "Only our alarms may tell the topic, and over TLS."
  }

  assert {
    condition = toset([for filter in aws_cloudwatch_log_metric_filter.log : filter.metric_transformation[0].name]) == toset([
      for alarm in aws_cloudwatch_metric_alarm.alarm : alarm.metric_name if alarm.namespace == "Matteflow/test"
    ])
    error_message = "Every metric of the logs has its alarm."
  }

  assert {
    condition = length([
      for filter in aws_cloudwatch_log_metric_filter.log : filter if filter.metric_transformation[0].name == "FunctionsCutOff"
    ]) == length(aws_lambda_function.function)
    error_message = "Of every function it is noticed that it was killed."
  }

  assert {
    condition     = length(aws_budgets_budget.month) + length(aws_cloudtrail.trail) + length(aws_s3_bucket.trail) == 0
    error_message = "Budget and trail are asked for."
  }
}

run "async" {
  command = plan

  variables {
    mask_tier = "async"
  }

  assert {
    condition     = length(setsubtract(["backlog_age", "complete_mask_errors", "endpoint_errors", "mask_latency"], keys(aws_cloudwatch_metric_alarm.alarm))) == 0
    error_message = "An asynchronous endpoint is watched for its backlog too."
  }
}

run "lambda" {
  command = plan

  variables {
    mask_tier            = "lambda"
    mask_latency_alarm_s = 30
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.alarm["inference_errors"].dimensions == tomap({ FunctionName = "matteflow-test-inference" }) &&
      aws_cloudwatch_metric_alarm.alarm["mask_latency"].dimensions == tomap({ FunctionName = "matteflow-test-inference" }) &&
      aws_cloudwatch_metric_alarm.alarm["mask_latency"].threshold == 30000 &&
      contains(keys(aws_cloudwatch_log_metric_filter.log), "inference_cut_off") &&
      !contains(keys(aws_cloudwatch_metric_alarm.alarm), "endpoint_errors")
    )
    error_message = "The inference function is watched in the endpoint's place, in milliseconds."
  }
}

run "nobody_to_hear" {
  command = plan

  variables {
    alarm_emails = []
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.alarm) + length(aws_sns_topic.alarms) == 0
    error_message = "An alarm that nobody hears is not paid for."
  }

  assert {
    condition     = length(aws_cloudwatch_dashboard.pipeline) == 1 && length(aws_cloudwatch_log_metric_filter.log) > 0
    error_message = "The dashboard is there without alarms, and so are its metrics."
  }
}

run "nobody_to_look_either" {
  command = plan

  variables {
    alarm_emails      = []
    metrics_dashboard = false
  }

  assert {
    condition     = length(aws_cloudwatch_dashboard.pipeline) + length(aws_cloudwatch_log_metric_filter.log) == 0
    error_message = "Nothing is made of the logs that nobody reads."
  }
}

run "a_slow_schedule" {
  command = plan

  variables {
    reconcile_schedule = "rate(1 day)"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.alarm["reconcile_records_absent"].evaluation_periods == 48
    error_message = "A daily run is missed after two days."
  }
}

run "a_budget_that_tells_nobody" {
  command = plan

  variables {
    alarm_emails       = []
    monthly_budget_usd = 150
  }

  expect_failures = [var.monthly_budget_usd]
}

run "no_limit_at_all" {
  command = plan

  variables {
    monthly_budget_usd   = 0
    mask_latency_alarm_s = 0
  }

  expect_failures = [var.monthly_budget_usd, var.mask_latency_alarm_s]
}

run "budget_and_audit_trail" {
  variables {
    monthly_budget_usd = 150
    audit_trail        = true
    reconcile_schedule = null
  }

  assert {
    condition = (
      one(aws_budgets_budget.month).limit_amount == "150" && one(aws_budgets_budget.month).time_unit == "MONTHLY" &&
      one(one(aws_budgets_budget.month).cost_filter).values == tolist(["user:Project$matteflow", "user:Environment$test"])
    )
    error_message = "The budget is of this environment's month."
  }

  assert {
    condition = toset([
      for notice in one(aws_budgets_budget.month).notification :
      "${notice.notification_type} ${notice.threshold} ${notice.threshold_type} ${join(" ", notice.subscriber_email_addresses)}"
    ]) == toset(["ACTUAL 80 PERCENTAGE ops@example.org", "FORECASTED 100 PERCENTAGE ops@example.org"])
    error_message = "The addresses hear in time."
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.alarm), "reconcile_records_absent")
    error_message = "What is not to run is not missed."
  }

  assert {
    condition = (
      aws_cloudtrail.trail["audit"].enable_log_file_validation && aws_cloudtrail.trail["audit"].s3_bucket_name == aws_s3_bucket.trail["audit"].bucket &&
      endswith(local.trail_arn, ":trail/${aws_cloudtrail.trail["audit"].name}")
    )
    error_message = "The trail can be proved to be whole."
  }

  assert {
    condition = flatten([
      for selector in one(aws_cloudtrail.trail["audit"].advanced_event_selector).field_selector : selector.starts_with
      if selector.field == "resources.ARN"
    ]) == [for bucket in aws_s3_bucket.bucket : "${bucket.arn}/"]
    error_message = "It is of the objects of the three buckets, and not of its own."
  }

  assert {
    condition = (
      aws_s3_bucket.trail["audit"].bucket == "matteflow-test-audit-123456789012-us-east-1" && !aws_s3_bucket.trail["audit"].force_destroy &&
      aws_s3_bucket_public_access_block.trail["audit"].block_public_policy && aws_s3_bucket_public_access_block.trail["audit"].restrict_public_buckets &&
      one(aws_s3_bucket_lifecycle_configuration.trail["audit"].rule).expiration[0].days == 365
    )
    error_message = "The trail's bucket is private, kept, and holds a year."
  }

  assert {
    condition = alltrue([
      for statement in slice(data.aws_iam_policy_document.trail["audit"].statement, 1, 3) :
      one(statement.principals).identifiers == toset(["cloudtrail.amazonaws.com"]) &&
      anytrue([for condition in statement.condition : condition.variable == "aws:SourceArn" && condition.values == tolist([local.trail_arn])])
    ])
    error_message = "Only our own trail may write there."
  }
}
