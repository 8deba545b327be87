# Where the masks are made. One image and one serving code run as a real-time endpoint, as an asynchronous endpoint
# that scales to zero, or as a function on the CPU; what only one tier needs exists in that tier alone.
locals {
  is_async      = var.mask_tier == "async"
  has_endpoint  = var.mask_tier != "lambda"
  has_gpu       = local.has_endpoint && can(regex("^ml\\.[gp][0-9]", var.inference_instance_type))
  mask_provider = local.has_endpoint ? local.endpoint_name : local.inference_function

  # What the container serves is what may be asked for.
  models = [trimsuffix(lookup(var.inference_environment, "MASK_ENGINE", "matteflow"), ".onnx")]

  # Under it lies what an asynchronous inference leaves in the masks bucket (functions/core/mask_submission.py).
  inference_prefix = "inference/"

  read_proxy = { actions = ["s3:GetObject"], resources = ["${local.masks_bucket_arn}/*/proxy.jpg"] }
  keep_mask = {
    actions   = ["s3:PutObject"]
    resources = ["${local.masks_bucket_arn}/*/mask.png", "${local.masks_bucket_arn}/*/metadata.json"]
  }

  # What InferMask may do.
  infer_mask_statements = {
    realtime = [
      local.tell_gone_from_denied.masks,
      local.read_proxy,
      local.keep_mask,
      local.mark_progress,
      { actions = ["sagemaker:InvokeEndpoint"], resources = [local.endpoint_arn] },
    ]
    async = [
      { actions = ["s3:PutObject"], resources = ["${local.masks_bucket_arn}/${local.inference_prefix}*.json"] },
      { actions = ["sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpointAsync"], resources = [local.endpoint_arn] },
      local.mark_progress,
    ]
    lambda = [
      local.keep_mask,
      local.mark_progress,
      { actions = ["lambda:InvokeFunction"], resources = [local.inference_function_arn] },
    ]
  }
}

# SageMaker tells here, with the endpoint's role, how each asynchronous inference ended. With the AWS managed key every
# principal of the account that may publish may encrypt.
resource "aws_sns_topic" "inference" {
  for_each = toset(local.is_async ? ["success", "error"] : [])

  name              = "${local.endpoint_name}-${each.key}"
  kms_master_key_id = "alias/aws/sns"
}

data "aws_iam_policy_document" "inference_topic" {
  for_each = aws_sns_topic.inference

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
}

resource "aws_sns_topic_policy" "inference" {
  for_each = aws_sns_topic.inference

  arn    = each.value.arn
  policy = data.aws_iam_policy_document.inference_topic[each.key].json
}

resource "aws_sns_topic_subscription" "inference" {
  for_each = aws_sns_topic.inference

  topic_arn = each.value.arn
  protocol  = "lambda"
  endpoint  = aws_lambda_function.function["complete_mask"].arn
}

resource "aws_lambda_permission" "inference" {
  for_each = aws_sns_topic.inference

  statement_id  = "FromTheTopic-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function["complete_mask"].function_name
  principal     = "sns.amazonaws.com"
  source_arn    = each.value.arn
}
