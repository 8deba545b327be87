locals {
  buckets = toset(concat(["uploads", "masks", "results"], var.edge ? ["site"] : []))

  # DynamoDB may delete an expired record days late: its outputs wait for it.
  output_days = var.lifetimes.record_days + 7
}

resource "aws_s3_bucket" "bucket" {
  #checkov:skip=CKV_AWS_18:CloudTrail data events tell more than access logs, without a fourth bucket.
  #checkov:skip=CKV_AWS_21:The uploads and the site are versioned; masks and results are made anew from the uploads.
  #checkov:skip=CKV_AWS_144:One region; versioning guards the originals.
  #checkov:skip=CKV2_AWS_62:Only an upload starts something.
  for_each = local.buckets

  # A bucket's name is unique over all accounts and regions of AWS.
  bucket        = "${local.name_prefix}-${each.key}-${local.account_id}-${var.region}"
  force_destroy = !var.protect_data
}

resource "aws_s3_bucket_public_access_block" "bucket" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.bucket[each.key].bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "bucket" {
  for_each = local.buckets

  bucket = aws_s3_bucket.bucket[each.key].bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "bucket" {
  for_each = local.buckets

  bucket = aws_s3_bucket.bucket[each.key].bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

data "aws_iam_policy_document" "bucket" {
  for_each = local.buckets

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.bucket[each.key].arn, "${aws_s3_bucket.bucket[each.key].arn}/*"]

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

  # Of CloudFront, only the distribution before the bucket may read it. That it may list the site makes S3 say of a page
  # that is gone that it is gone, not that it is forbidden; no path of the site lists anything.
  dynamic "statement" {
    for_each = [for name, distribution in local.distributions : distribution if name == each.key]

    content {
      sid       = "CloudFrontOnly"
      actions   = each.key == "site" ? ["s3:GetObject", "s3:ListBucket"] : ["s3:GetObject"]
      resources = concat(["${aws_s3_bucket.bucket[each.key].arn}/*"], each.key == "site" ? [aws_s3_bucket.bucket[each.key].arn] : [])

      principals {
        type        = "Service"
        identifiers = ["cloudfront.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceArn"
        values   = [statement.value.arn]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "bucket" {
  for_each = local.buckets

  bucket = aws_s3_bucket.bucket[each.key].bucket
  policy = data.aws_iam_policy_document.bucket[each.key].json

  # S3 refuses two changes of one bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.bucket]
}

# An upload is named by its version, so that a file put twice under one key is two pictures and neither is lost.
resource "aws_s3_bucket_versioning" "uploads" {
  bucket = aws_s3_bucket.bucket["uploads"].bucket

  versioning_configuration {
    status = "Enabled"
  }
}

# A publication that went wrong can be undone for a month.
resource "aws_s3_bucket_versioning" "site" {
  count = var.edge ? 1 : 0

  bucket = aws_s3_bucket.bucket["site"].bucket

  versioning_configuration {
    status = "Enabled"
  }
}

# S3 then tells the default event bus of every object; the rule in eventbridge.tf chooses.
resource "aws_s3_bucket_notification" "uploads" {
  bucket      = aws_s3_bucket.bucket["uploads"].bucket
  eventbridge = true
}

# Browsers upload and read straight by signed URLs.
resource "aws_s3_bucket_cors_configuration" "uploads" {
  bucket = aws_s3_bucket.bucket["uploads"].bucket

  cors_rule {
    allowed_methods = ["GET", "HEAD", "PUT", "POST"]
    allowed_origins = local.cors_origins
    allowed_headers = ["*"]
    expose_headers  = ["Content-Disposition", "Content-Length", "ETag", "x-amz-error-code", "x-amz-version-id"]
    max_age_seconds = 3600
  }
}

resource "aws_s3_bucket_cors_configuration" "outputs" {
  for_each = toset(["masks", "results"])

  bucket = aws_s3_bucket.bucket[each.key].bucket

  cors_rule {
    allowed_methods = ["GET", "HEAD"]
    allowed_origins = local.cors_origins
    allowed_headers = ["*"]
    expose_headers  = ["Content-Disposition", "Content-Length", "ETag"]
    max_age_seconds = 3600
  }
}

# The originals are kept: they only get cheaper. What replaced or deleted versions cost ends after a month.
resource "aws_s3_bucket_lifecycle_configuration" "uploads" {
  count = var.bucket_lifecycle ? 1 : 0

  bucket = aws_s3_bucket.bucket["uploads"].bucket

  rule {
    id     = "keep-originals-cheaply"
    status = "Enabled"

    filter {}

    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }

    noncurrent_version_expiration {
      noncurrent_days = local.output_days # an overwritten version is a picture of its own, with a record
    }

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # The rules on versions are refused while versioning is off.
  depends_on = [aws_s3_bucket_versioning.uploads]
}

# Masks and results are made anew from the original by resuming; they live as long as their records.
resource "aws_s3_bucket_lifecycle_configuration" "outputs" {
  for_each = toset(var.bucket_lifecycle ? ["masks", "results"] : [])

  bucket = aws_s3_bucket.bucket[each.key].bucket

  rule {
    id     = "end-with-the-record"
    status = "Enabled"

    filter {}

    expiration {
      days = local.output_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # What an asynchronous inference leaves is deleted at its end; this is for those whose end nobody heard of.
  dynamic "rule" {
    for_each = each.key == "masks" && local.is_async ? [true] : []

    content {
      id     = "end-with-the-inference"
      status = "Enabled"

      filter {
        prefix = local.inference_prefix
      }

      expiration {
        days = 1
      }
    }
  }
}

# Files of the pages are never replaced, as their names hold a digest: make site deletes those that no page has needed
# for a month. This ends what it deleted or replaced.
resource "aws_s3_bucket_lifecycle_configuration" "site" {
  count = var.edge && var.bucket_lifecycle ? 1 : 0

  bucket = aws_s3_bucket.bucket["site"].bucket

  rule {
    id     = "forget-old-publications"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.site]
}
