# CloudWatch's dashboard of an environment: one screen, four graphs a row. The first three dashboards of an account are
# free as long as each has at most 50 metrics, and cost 3 USD a month from then on.
locals {
  function_names = { for name, function in aws_lambda_function.function : name => function.function_name }
  measures_masks = local.function_names[local.is_async ? "complete_mask" : "infer_mask"]
  endpoint       = ["EndpointName", local.endpoint_name, "VariantName", local.variant]
  of_states      = ["StateMachineArn", local.state_machine_arn]
  of_api         = ["ApiId", aws_apigatewayv2_api.api.id]
  of_queues      = { dead-letter = aws_sqs_queue.dead_letter.name, undelivered = aws_sqs_queue.undelivered.name }

  # A line is of a metric, by its namespace, name and dimensions.
  graphs = concat([
    {
      title = "Pictures by how they ended"
      lines = concat(
        [for status in ["SUCCEEDED", "PARTIAL", "REJECTED", "BLOCKED", "FAILED"] :
        { of = ["Matteflow", "ProcessingTime", "service", local.function_names["save_result"], "status", status], stat = "SampleCount", label = status }],
        [{ of = ["Matteflow", "ProcessingTime", "service", local.function_names["record_failure"], "status", "FAILED"], stat = "SampleCount", label = "cut off" }],
      )
    },
    {
      title = "First step to SUCCEEDED (ms)"
      lines = [for stat in ["p50", "p95"] :
      { of = ["Matteflow", "ProcessingTime", "service", local.function_names["save_result"], "status", "SUCCEEDED"], stat = stat, label = stat }]
    },
    {
      title = "Executions"
      lines = [for end in ["Started", "Failed", "TimedOut", "Aborted"] :
      { of = concat(["AWS/States", "Executions${end}"], local.of_states), stat = "Sum", label = end }]
    },
    {
      title = "Set aside and not yet looked at"
      lines = [for label, name in local.of_queues :
      { of = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name], stat = "Maximum", label = label }]
    },
    {
      title = "A step, half of the time (ms)"
      lines = [for step in local.steps :
      { of = ["AWS/Lambda", "Duration", "FunctionName", local.function_names[step]], stat = "p50", label = step }]
    },
    {
      title = "A step, 95 % of the time (ms)"
      lines = [for step in local.steps :
      { of = ["AWS/Lambda", "Duration", "FunctionName", local.function_names[step]], stat = "p95", label = step }]
    },
    {
      title = "Functions (right: running at once)"
      lines = [
        { of = [local.log_metrics_namespace, "ErrorsLogged"], stat = "Sum", label = "errors logged" },
        { of = [local.log_metrics_namespace, "FunctionsCutOff"], stat = "Sum", label = "cut off" },
        { of = ["AWS/Lambda", "Throttles"], stat = "Sum", label = "throttled, whole account" },
        { of = ["AWS/Lambda", "ConcurrentExecutions"], stat = "Maximum", label = "at once, whole account", axis = "right" },
      ]
    },
    {
      title = "Oldest of what was set aside (s)"
      lines = [for label, name in local.of_queues :
      { of = ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name], stat = "Maximum", label = label }]
    },
    {
      title = "API: requests and refusals"
      lines = concat(
        [for metric in ["Count", "4xx", "5xx"] : { of = concat(["AWS/ApiGateway", metric], local.of_api), stat = "Sum", label = metric }],
        [
          { of = [local.log_metrics_namespace, "ApiUnauthorized"], stat = "Sum", label = "401, 403" },
          { of = [local.log_metrics_namespace, "ApiThrottled"], stat = "Sum", label = "429" },
        ],
      )
    },
    {
      title = "API: time to answer (ms)"
      lines = [for stat in ["p50", "p95"] : { of = concat(["AWS/ApiGateway", "Latency"], local.of_api), stat = stat, label = stat }]
    },
    {
      title = "Masks: coverage (right: confidence, %)"
      lines = [
        { of = ["Matteflow", "MaskCoverage", "service", local.measures_masks, "model", local.models[0]], stat = "Average", label = "coverage" },
        { of = ["Matteflow", "MaskConfidence", "service", local.measures_masks, "model", local.models[0]], stat = "Average", label = "confidence", axis = "right" },
      ]
    },
    {
      title = "Held back, and found again"
      lines = [
        { of = ["AWS/DynamoDB", "ThrottledRequests", "TableName", aws_dynamodb_table.records.name, "Operation", "UpdateItem"], stat = "Sum", label = "writes held back" },
        { of = ["AWS/DynamoDB", "ThrottledRequests", "TableName", aws_dynamodb_table.records.name, "Operation", "Query"], stat = "Sum", label = "lists held back" },
        { of = ["AWS/Rekognition", "ThrottledCount"], stat = "Sum", label = "Rekognition held back, whole account" },
        { of = ["Matteflow", "Reconciled", "service", local.function_names["reconcile_records"]], stat = "Sum", label = "reconciled" },
      ]
    },
    {
      # AWS tells of it in us-east-1 alone, every few hours, once the account's owner has switched billing alerts on.
      title    = "Bill of this month so far, whole account (USD)"
      region   = "us-east-1"
      period_s = 21600
      lines    = [{ of = ["AWS/Billing", "EstimatedCharges", "Currency", "USD"], stat = "Maximum", label = "estimated" }]
    },
  ], local.mask_graphs[var.mask_tier])

  mask_latency_graph = {
    title = "Endpoint: time of a mask (µs)"
    lines = [for stat in ["p50", "p95"] : { of = concat(["AWS/SageMaker", "ModelLatency"], local.endpoint), stat = stat, label = stat }]
  }
  use_graph = {
    title = "Endpoint: use (%)"
    lines = [for metric in local.has_gpu ? ["GPUUtilization", "GPUMemoryUtilization"] : ["CPUUtilization", "MemoryUtilization"] :
    { of = concat(["/aws/sagemaker/Endpoints", metric], local.endpoint), stat = "Average", label = metric }]
  }
  endpoint_errors_line = { of = concat(["AWS/SageMaker", "Invocation5XXErrors"], local.endpoint), stat = "Sum", label = "5xx" }

  mask_graphs = {
    realtime = [
      {
        title = "Endpoint: requests"
        lines = [{ of = concat(["AWS/SageMaker", "Invocations"], local.endpoint), stat = "Sum", label = "requests" }, local.endpoint_errors_line]
      },
      local.mask_latency_graph,
      local.use_graph,
    ]
    async = [
      {
        title = "Endpoint: waiting"
        lines = [{ of = ["AWS/SageMaker", "ApproximateBacklogSize", "EndpointName", local.endpoint_name], stat = "Maximum", label = "waiting" }, local.endpoint_errors_line]
      },
      local.mask_latency_graph,
      local.use_graph,
    ]
    lambda = [
      {
        title = "Inference function: requests"
        lines = [for metric in ["Invocations", "Errors"] :
        { of = ["AWS/Lambda", metric, "FunctionName", local.inference_function], stat = "Sum", label = metric }]
      },
      {
        title = "Inference function: time of a mask (ms)"
        lines = [for stat in ["p50", "p95"] :
        { of = ["AWS/Lambda", "Duration", "FunctionName", local.inference_function], stat = stat, label = stat }]
      },
    ]
  }

  # In columns of 24 and rows of about 50 pixels.
  alarm_widgets = [for arns in [values(aws_cloudwatch_metric_alarm.alarm)[*].arn] : {
    type       = "alarm"
    x          = 0
    y          = 16
    width      = 24
    height     = 3
    properties = { title = "Alarms", alarms = arns }
  } if length(arns) > 0]
}

resource "aws_cloudwatch_dashboard" "pipeline" {
  count = var.metrics_dashboard ? 1 : 0

  dashboard_name = local.global_prefix
  dashboard_body = jsonencode({
    widgets = concat([
      for place, graph in local.graphs : {
        type   = "metric"
        x      = place % 4 * 6
        y      = floor(place / 4) * 4
        width  = 6
        height = 4
        properties = {
          title  = graph.title
          region = try(graph.region, var.region)
          period = try(graph.period_s, 300)
          view   = "timeSeries"
          metrics = [
            for line in graph.lines : concat(line.of, [merge({ stat = line.stat, label = line.label }, can(line.axis) ? { yAxis = line.axis } : {})])
          ]
        }
      }
    ], local.alarm_widgets)
  })
}
