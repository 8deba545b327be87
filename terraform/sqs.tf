locals {
  # A queue's policy names the queue itself, so its ARN is composed. Written into the queue, the policy costs no second
  # wait of the provider for SQS to settle, as a resource of its own would.
  queue_arn_prefix = "arn:${local.partition}:sqs:${var.region}:${local.account_id}:"

  dead_letter_queue = "${local.name_prefix}-dead-letter"
  undelivered_queue = "${local.name_prefix}-undelivered"
}

# Events that could not start an execution or a function, or that the workflow cannot read.
resource "aws_sqs_queue" "dead_letter" {
  name                      = local.dead_letter_queue
  policy                    = data.aws_iam_policy_document.dead_letter.json
  message_retention_seconds = 1209600 # 14 days, the most that SQS keeps
  sqs_managed_sse_enabled   = true    # with SSE-SQS, unlike KMS, EventBridge needs no key policy to send
}

data "aws_iam_policy_document" "dead_letter" {
  source_policy_documents = [data.aws_iam_policy_document.tls_only["dead_letter"].json]

  statement {
    sid       = "FromTheRules"
    actions   = ["sqs:SendMessage"]
    resources = ["${local.queue_arn_prefix}${local.dead_letter_queue}"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = concat([aws_cloudwatch_event_rule.upload_arrived.arn], values(local.function_rules)[*].arn)
    }
  }
}

# Notices and events that SNS or EventBridge refused, each as the state machine would have sent it.
resource "aws_sqs_queue" "undelivered" {
  name                      = local.undelivered_queue
  policy                    = data.aws_iam_policy_document.tls_only["undelivered"].json
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

data "aws_iam_policy_document" "tls_only" {
  for_each = { dead_letter = local.dead_letter_queue, undelivered = local.undelivered_queue }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = ["${local.queue_arn_prefix}${each.value}"]

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
