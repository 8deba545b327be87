# Who read, wrote or deleted which object of a picture: CloudTrail's data events of the three buckets, each with the role
# that asked and from where. What is done to the account itself is the account's own trail's to keep. 100,000 events
# cost 0.10 USD.
locals {
  trails     = toset(var.audit_trail ? ["audit"] : [])
  trail_name = "${local.name_prefix}-audit"

  # Spelled out: the bucket's policy names the trail, which waits for the policy.
  trail_arn = "arn:${local.partition}:cloudtrail:${var.region}:${local.account_id}:trail/${local.trail_name}"

  trail_days = 365
}

resource "aws_cloudtrail" "trail" {
  #checkov:skip=CKV_AWS_35:The bucket encrypts with S3's own keys; one of our own costs 1 USD a month.
  #checkov:skip=CKV_AWS_67:The buckets are in this one region.
  #checkov:skip=CKV_AWS_252:Nobody waits for a file of the trail; it is read when something has happened.
  #checkov:skip=CKV2_AWS_10:In the bucket an event costs a hundredth of what it does in a log group.
  for_each = local.trails

  name                          = local.trail_name
  s3_bucket_name                = aws_s3_bucket.trail[each.key].bucket
  enable_log_file_validation    = true
  include_global_service_events = false

  advanced_event_selector {
    name = "Objects of pictures"

    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }

    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }

    field_selector {
      field       = "resources.ARN"
      starts_with = [for bucket in aws_s3_bucket.bucket : "${bucket.arn}/"]
    }
  }

  # CloudTrail tries whether it may write when the trail is made.
  depends_on = [aws_s3_bucket_policy.trail]
}

resource "aws_s3_bucket" "trail" {
  #checkov:skip=CKV_AWS_18:It is a log itself.
  #checkov:skip=CKV_AWS_144:One region; the trail is of its buckets.
  #checkov:skip=CKV2_AWS_62:Nothing starts by a file of the trail.
  for_each = local.trails

  bucket        = "${local.trail_name}-${local.account_id}-${var.region}"
  force_destroy = !var.protect_data
}

resource "aws_s3_bucket_public_access_block" "trail" {
  for_each = local.trails

  bucket                  = aws_s3_bucket.trail[each.key].bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "trail" {
  for_each = local.trails

  bucket = aws_s3_bucket.trail[each.key].bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "trail" {
  for_each = local.trails

  bucket = aws_s3_bucket.trail[each.key].bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# What is overwritten or deleted can be had back.
resource "aws_s3_bucket_versioning" "trail" {
  for_each = local.trails

  bucket = aws_s3_bucket.trail[each.key].bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "trail" {
  for_each = local.trails

  bucket = aws_s3_bucket.trail[each.key].bucket

  rule {
    id     = "a-year"
    status = "Enabled"

    filter {}

    expiration {
      days = local.trail_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # The rules on versions are refused while versioning is off.
  depends_on = [aws_s3_bucket_versioning.trail]
}

# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
data "aws_iam_policy_document" "trail" {
  for_each = local.trails

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.trail[each.key].arn, "${aws_s3_bucket.trail[each.key].arn}/*"]

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
    sid       = "TheTrailAsks"
    actions   = ["s3:GetBucketAcl"]
    resources = [aws_s3_bucket.trail[each.key].arn]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }

  statement {
    sid       = "TheTrailWrites"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.trail[each.key].arn}/AWSLogs/${local.account_id}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }
  }
}

resource "aws_s3_bucket_policy" "trail" {
  for_each = local.trails

  bucket = aws_s3_bucket.trail[each.key].bucket
  policy = data.aws_iam_policy_document.trail[each.key].json

  # S3 refuses two changes of one bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.trail]
}
