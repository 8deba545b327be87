resource "aws_sns_topic" "notices" {
  name = "${local.name_prefix}-notices"

  # The AWS managed key: every principal of this account that may publish may use it, so the state machine's role needs
  # no more. An AWS service that publishes by itself (an alarm, a bucket) could not: give those a topic of their own.
  kms_master_key_id = "alias/aws/sns"
}

data "aws_iam_policy_document" "notices" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.notices.arn]

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

resource "aws_sns_topic_policy" "notices" {
  arn    = aws_sns_topic.notices.arn
  policy = data.aws_iam_policy_document.notices.json
}

resource "aws_sns_topic_subscription" "notices" {
  for_each = toset(var.notification_emails)

  topic_arn = aws_sns_topic.notices.arn
  protocol  = "email"
  endpoint  = each.key
}
