# The results, under a name of their own: a file that people made is never of the dashboard's origin. Each URL is signed
# for a few minutes (functions/core/result_urls.py).
locals {
  # The public halves that `make signing-key` has written, each beside the place of its private half, by its version:
  # a UUIDv7, so that the last in order is the newest. That one signs; one before it is trusted still.
  signing_keys = merge([
    for found in data.aws_ssm_parameters_by_path.signing_keys : {
      for name, value in zipmap(found.names, nonsensitive(found.values)) : basename(name) => jsondecode(value)
    }
  ]...)
  signing_version = try(reverse(sort(keys(local.signing_keys)))[0], null)

  results_edge_environment = {
    for name, value in { RESULTS_EDGE = try(jsonencode({
      domain         = local.results_domain
      key_id         = aws_cloudfront_public_key.signing[local.signing_version].id
      secret_arn     = local.signing_keys[local.signing_version].secret_arn
      secret_version = local.signing_version
    }), "") } : name => value if var.edge
  }

  read_signing_key = [
    for key in [try(local.signing_keys[local.signing_version], null)] :
    { actions = ["secretsmanager:GetSecretValue"], resources = [key.secret_arn] } if key != null
  ]
}

data "aws_ssm_parameters_by_path" "signing_keys" {
  count = var.edge ? 1 : 0

  path = "/${local.name_prefix}/signing-keys"
}

resource "aws_cloudfront_public_key" "signing" {
  for_each = local.signing_keys

  name        = "${local.global_prefix}-${each.key}"
  encoded_key = each.value.public_key
}

# Other keys are another group: the distribution changes with it, and the API signs with a new key only after every edge
# knows it.
resource "aws_cloudfront_key_group" "signing" {
  for_each = toset(var.edge ? [substr(sha256(join(" ", keys(local.signing_keys))), 0, 8)] : [])

  name  = "${local.global_prefix}-${each.key}"
  items = [for key in aws_cloudfront_public_key.signing : key.id]

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = local.signing_version != null
      error_message = "There is no key yet that signs the results' URLs. Run: make signing-key ENV=${var.environment}"
    }
  }
}

resource "aws_cloudfront_distribution" "results" {
  #checkov:skip=CKV_AWS_86:Access logs are delivered to CloudWatch, without queries (edge.tf).
  #checkov:skip=CKV_AWS_174:CloudFront's own names take its default certificate, which knows no minimum; a name of ours has TLSv1.2_2021.
  #checkov:skip=CKV_AWS_305:There is nothing at the root: every object is asked for by its signed URL.
  #checkov:skip=CKV_AWS_310:One region: there is no second origin to fail over to.
  #checkov:skip=CKV_AWS_374:Pictures are looked at from everywhere.
  #checkov:skip=CKV2_AWS_42:Without a domain of one's own there is no certificate.
  #checkov:skip=CKV2_AWS_47:The web ACL has the rules for Log4j (edge_firewall.tf).
  count = var.edge ? 1 : 0

  comment         = "${local.global_prefix}: results"
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = var.price_class
  aliases         = var.domain == null ? [] : [var.domain.results]
  web_acl_id      = one(aws_wafv2_web_acl.edge[*].arn)

  origin {
    origin_id                = "results"
    domain_name              = aws_s3_bucket.bucket["results"].bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.bucket[0].id
  }

  default_cache_behavior {
    target_origin_id           = "results"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "redirect-to-https"
    compress                   = false # pictures are compressed already
    cache_policy_id            = aws_cloudfront_cache_policy.results[0].id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.results[0].id
    trusted_key_groups         = [for group in aws_cloudfront_key_group.signing : group.id]
  }

  # A file that is not there yet may be there in a moment.
  dynamic "custom_error_response" {
    for_each = toset([403, 404, 500, 502, 503, 504])

    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.domain == null
    acm_certificate_arn            = try(var.domain.certificate_arn, null)
    ssl_support_method             = var.domain == null ? null : "sni-only"
    minimum_protocol_version       = var.domain == null ? "TLSv1" : "TLSv1.2_2021"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
}

# What is kept is asked for again each time by its ETag: a deleted picture is gone at once, and a picture made anew is
# the new one.
resource "aws_cloudfront_cache_policy" "results" {
  count = var.edge ? 1 : 0

  name        = "${local.global_prefix}-results"
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = 86400

  parameters_in_cache_key_and_forwarded_to_origin {
    cookies_config {
      cookie_behavior = "none"
    }

    # The bucket itself says which pages may read: the dashboard packs results into a zip.
    headers_config {
      header_behavior = "whitelist"

      headers {
        items = ["Origin"]
      }
    }

    # The name under which a browser saves the file.
    query_strings_config {
      query_string_behavior = "whitelist"

      query_strings {
        items = ["response-content-disposition"]
      }
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "results" {
  #checkov:skip=CKV_AWS_259:Other names below the same domain, and lists for ever, are not ours to decide on.
  count = var.edge ? 1 : 0

  name    = "${local.global_prefix}-results"
  comment = "A result is shown or saved, and does nothing."

  security_headers_config {
    content_security_policy {
      content_security_policy = "default-src 'none'; sandbox; frame-ancestors 'none'"
      override                = true
    }

    content_type_options {
      override = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }

    strict_transport_security {
      access_control_max_age_sec = 63072000
      override                   = true
    }
  }
}
