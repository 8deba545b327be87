locals {
  endpoint_name = "${local.name_prefix}-inference"
  variant       = "main"

  # Spelled out, so that the functions do not wait for the endpoint, which takes minutes and may want a quota first.
  endpoint_arn = "arn:${local.partition}:sagemaker:${var.region}:${local.account_id}:endpoint/${local.endpoint_name}"

  inference_environment = merge(
    var.inference_environment,
    var.inference_weights == null ? {} : {
      MODEL_ARTIFACT_BUCKET = var.inference_weights.bucket
      MODEL_ARTIFACT_PREFIX = var.inference_weights.prefix
    },
  )

  # Models and endpoint configurations cannot be changed, only replaced: a name that follows from the image and its
  # environment lets the new one be made before the old one goes.
  model_name = "${local.endpoint_name}-${substr(sha256(jsonencode([var.inference_image_uri, local.inference_environment])), 0, 8)}"

  inference_image          = regex("^(?P<account>\\d+)\\.dkr\\.ecr\\.(?P<region>[^.]+)\\.amazonaws\\.com/(?P<repository>[^:@]+)", var.inference_image_uri)
  inference_repository_arn = "arn:${local.partition}:ecr:${local.inference_image.region}:${local.inference_image.account}:repository/${local.inference_image.repository}"
}

resource "aws_sagemaker_model" "inference" {
  #checkov:skip=CKV_AWS_370:The container reads pictures that a request names from S3, which network isolation forbids.
  name               = local.model_name
  execution_role_arn = aws_iam_role.inference.arn

  primary_container {
    image       = var.inference_image_uri
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
  #checkov:skip=CKV_AWS_98:GPU instances keep their data on NVMe that encrypts itself, and refuse a key.
  name_prefix = "${local.endpoint_name}-"

  production_variants {
    variant_name           = local.variant
    model_name             = aws_sagemaker_model.inference.name
    instance_type          = var.inference_instance_type
    initial_instance_count = var.inference_instances.min
    inference_ami_version  = var.inference_ami_version
  }

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [data_capture_config] # there is none: as with the model's vpc_config
  }
}

resource "aws_sagemaker_endpoint" "inference" {
  name                 = local.endpoint_name
  endpoint_config_name = aws_sagemaker_endpoint_configuration.inference.name

  depends_on = [aws_cloudwatch_log_group.inference]
}

# SageMaker would make this group by itself, and keep it for ever.
resource "aws_cloudwatch_log_group" "inference" {
  name              = "/aws/sagemaker/Endpoints/${local.endpoint_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "inference" {
  name               = local.endpoint_name
  assume_role_policy = data.aws_iam_policy_document.inference_trust.json
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
  name   = "image-and-logs"
  role   = aws_iam_role.inference.id
  policy = data.aws_iam_policy_document.inference.json
}

data "aws_iam_policy_document" "inference" {
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
    resources = [aws_cloudwatch_log_group.inference.arn, "${aws_cloudwatch_log_group.inference.arn}:*"]
  }

  # CloudWatch knows no resources for metrics: AWS takes only * here.
  statement {
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]
  }

  # A request may name a proxy instead of carrying it; weights may lie outside the image.
  statement {
    actions = ["s3:GetObject"]
    resources = concat(
      ["${aws_s3_bucket.bucket["masks"].arn}/*/proxy.jpg"],
      var.inference_weights == null ? [] : ["arn:${local.partition}:s3:::${var.inference_weights.bucket}/${var.inference_weights.prefix}*"],
    )
  }
}

resource "aws_appautoscaling_target" "inference" {
  count = var.inference_instances.max > var.inference_instances.min ? 1 : 0

  service_namespace  = "sagemaker"
  resource_id        = "endpoint/${aws_sagemaker_endpoint.inference.name}/variant/${local.variant}"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  min_capacity       = var.inference_instances.min
  max_capacity       = var.inference_instances.max
}

resource "aws_appautoscaling_policy" "inference" {
  count = length(aws_appautoscaling_target.inference)

  name               = "${local.endpoint_name}-invocations"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.inference[0].service_namespace
  resource_id        = aws_appautoscaling_target.inference[0].resource_id
  scalable_dimension = aws_appautoscaling_target.inference[0].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = var.inference_invocations_per_minute
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = "SageMakerVariantInvocationsPerInstance"
    }
  }
}
