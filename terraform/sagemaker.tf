locals {
  # An endpoint cannot change its kind, only be replaced.
  endpoint_name = "${local.name_prefix}-${local.is_async ? "async" : "inference"}"
  variant       = "main"

  # Spelled out, so that the functions do not wait for the endpoint, which takes minutes and may want a quota first.
  endpoint_arn = "arn:${local.partition}:sagemaker:${var.region}:${local.account_id}:endpoint/${local.endpoint_name}"

  # A real-time endpoint of this kind cannot scale to zero.
  inference_min = coalesce(var.inference_instances.min, local.is_async ? 0 : 1)

  inference_environment = merge(
    var.inference_environment,
    var.inference_weights == null ? {} : {
      MODEL_ARTIFACT_BUCKET = var.inference_weights.bucket
      MODEL_ARTIFACT_PREFIX = var.inference_weights.prefix
    },
    try(var.inference_weights.sha256, null) == null ? {} : { MODEL_SHA256 = var.inference_weights.sha256 },
  )

  # Models and endpoint configurations cannot be changed, only replaced: a name that follows from the image and its
  # environment lets the new one be made before the old one goes.
  model_name = "${local.endpoint_name}-${substr(sha256(jsonencode([local.inference_image_uri, local.inference_environment])), 0, 8)}"

  # A request may name a proxy instead of carrying it; weights may lie outside the image.
  inference_object_arns = concat(
    ["${aws_s3_bucket.bucket["masks"].arn}/*/proxy.jpg"],
    var.inference_weights == null ? [] : ["arn:${local.partition}:s3:::${var.inference_weights.bucket}/${var.inference_weights.prefix}*"],
  )

  inference_image          = regex("^(?P<account>\\d+)\\.dkr\\.ecr\\.(?P<region>[^.]+)\\.amazonaws\\.com/(?P<repository>[^:@]+)", local.inference_image_uri)
  inference_repository_arn = "arn:${local.partition}:ecr:${local.inference_image.region}:${local.inference_image.account}:repository/${local.inference_image.repository}"
}

resource "aws_sagemaker_model" "inference" {
  #checkov:skip=CKV_AWS_370:The container reads pictures that a request names from S3, which network isolation forbids.
  count = local.has_endpoint ? 1 : 0

  name               = local.model_name
  execution_role_arn = aws_iam_role.inference[0].arn

  primary_container {
    image       = local.inference_image_uri
    environment = local.inference_environment
  }

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [vpc_config] # there is none: AWS then leaves it out, an emulator answers an empty one
  }

  # SageMaker pulls the image with this role when the endpoint is made.
  depends_on = [aws_iam_role_policy.inference]
}

resource "aws_sagemaker_endpoint_configuration" "inference" {
  #checkov:skip=CKV_AWS_98:GPU instances keep their data on NVMe that encrypts itself, and refuse a key. The app writes no picture to any disk.
  count = local.has_endpoint ? 1 : 0

  name_prefix = "${local.endpoint_name}-"

  production_variants {
    variant_name           = local.variant
    model_name             = aws_sagemaker_model.inference[0].name
    instance_type          = var.inference_instance_type
    initial_instance_count = max(local.inference_min, 1) # auto scaling takes it to zero
    inference_ami_version  = local.has_gpu ? var.inference_ami_version : null
  }

  dynamic "async_inference_config" {
    for_each = local.is_async ? [true] : []

    content {
      output_config {
        s3_output_path  = "s3://${aws_s3_bucket.bucket["masks"].bucket}/${local.inference_prefix}"
        s3_failure_path = "s3://${aws_s3_bucket.bucket["masks"].bucket}/${local.inference_prefix}"

        notification_config {
          success_topic = aws_sns_topic.inference["success"].arn
          error_topic   = aws_sns_topic.inference["error"].arn
        }
      }

      client_config {
        max_concurrent_invocations_per_instance = var.inference_concurrency
      }
    }
  }

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [data_capture_config] # there is none: as with the model's vpc_config
  }
}

resource "aws_sagemaker_endpoint" "inference" {
  count = local.has_endpoint ? 1 : 0

  name                 = local.endpoint_name
  endpoint_config_name = aws_sagemaker_endpoint_configuration.inference[0].name

  depends_on = [aws_cloudwatch_log_group.inference]
}

# SageMaker would make this group by itself, and keep it for ever.
resource "aws_cloudwatch_log_group" "inference" {
  count = local.has_endpoint ? 1 : 0

  name              = "/aws/sagemaker/Endpoints/${local.endpoint_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "inference" {
  count = local.has_endpoint ? 1 : 0

  name                 = "${local.global_prefix}-endpoint"
  assume_role_policy   = data.aws_iam_policy_document.inference_trust.json
  permissions_boundary = local.permissions_boundary
}

data "aws_iam_policy_document" "inference_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["sagemaker.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_iam_role_policy" "inference" {
  count = local.has_endpoint ? 1 : 0

  name   = "image-and-logs"
  role   = aws_iam_role.inference[0].id
  policy = data.aws_iam_policy_document.inference[0].json
}

data "aws_iam_policy_document" "inference" {
  count = local.has_endpoint ? 1 : 0

  statement {
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [local.inference_repository_arn]
  }

  # The token is the registry's: AWS takes only * here.
  statement {
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = [aws_cloudwatch_log_group.inference[0].arn, "${aws_cloudwatch_log_group.inference[0].arn}:*"]
  }

  # CloudWatch knows no resources for metrics: AWS takes only * here.
  statement {
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]
  }

  statement {
    actions   = ["s3:GetObject"]
    resources = local.inference_object_arns
  }

  # https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-create-endpoint-prerequisites.html
  dynamic "statement" {
    for_each = local.is_async ? {
      write  = { actions = ["s3:AbortMultipartUpload", "s3:PutObject"], resources = ["${local.masks_bucket_arn}/${local.inference_prefix}*"] }
      list   = { actions = ["s3:ListBucket"], resources = [local.masks_bucket_arn] }
      notify = { actions = ["sns:Publish"], resources = [for topic in aws_sns_topic.inference : topic.arn] }
    } : {}

    content {
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }
}

resource "aws_appautoscaling_target" "inference" {
  count = local.has_endpoint && var.inference_instances.max > local.inference_min ? 1 : 0

  service_namespace  = "sagemaker"
  resource_id        = "endpoint/${aws_sagemaker_endpoint.inference[0].name}/variant/${local.variant}"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  min_capacity       = local.inference_min
  max_capacity       = var.inference_instances.max
}

resource "aws_appautoscaling_policy" "inference" {
  count = length(aws_appautoscaling_target.inference)

  name               = "${local.endpoint_name}-${local.is_async ? "backlog" : "invocations"}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.inference[0].service_namespace
  resource_id        = aws_appautoscaling_target.inference[0].resource_id
  scalable_dimension = aws_appautoscaling_target.inference[0].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = local.is_async ? var.inference_backlog_per_instance : var.inference_invocations_per_minute
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    dynamic "predefined_metric_specification" {
      for_each = local.is_async ? [] : [true]

      content {
        predefined_metric_type = "SageMakerVariantInvocationsPerInstance"
      }
    }

    dynamic "customized_metric_specification" {
      for_each = local.is_async ? [true] : []

      content {
        namespace   = "AWS/SageMaker"
        metric_name = "ApproximateBacklogSizePerInstance"
        statistic   = "Average"

        dimensions {
          name  = "EndpointName"
          value = aws_sagemaker_endpoint.inference[0].name
        }
      }
    }
  }
}

# Without an instance there is no backlog an instance, so the first one is woken by an alarm.
# https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
resource "aws_appautoscaling_policy" "wake_up" {
  count = local.is_async ? length(aws_appautoscaling_target.inference) : 0

  name               = "${local.endpoint_name}-wake-up"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.inference[0].service_namespace
  resource_id        = aws_appautoscaling_target.inference[0].resource_id
  scalable_dimension = aws_appautoscaling_target.inference[0].scalable_dimension

  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity"
    metric_aggregation_type = "Average"
    cooldown                = 300

    step_adjustment {
      metric_interval_lower_bound = 0
      scaling_adjustment          = 1
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "backlog_without_capacity" {
  count = length(aws_appautoscaling_policy.wake_up)

  alarm_name          = "${local.endpoint_name}-backlog-without-capacity"
  alarm_description   = "Pictures wait for an endpoint that is scaled to zero."
  namespace           = "AWS/SageMaker"
  metric_name         = "HasBacklogWithoutCapacity"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "missing"
  dimensions          = { EndpointName = aws_sagemaker_endpoint.inference[0].name }
  alarm_actions       = [aws_appautoscaling_policy.wake_up[0].arn]
}
