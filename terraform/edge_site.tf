# The dashboard's pages. Its bucket is one of s3.tf; make site fills it.
resource "aws_cloudfront_distribution" "site" {
  #checkov:skip=CKV_AWS_86:Access logs are delivered to CloudWatch, without queries (edge.tf).
  #checkov:skip=CKV_AWS_174:CloudFront's own names take its default certificate, which knows no minimum; a name of ours has TLSv1.2_2021.
  #checkov:skip=CKV_AWS_310:One region: there is no second origin to fail over to.
  #checkov:skip=CKV_AWS_374:Pictures are taken from everywhere.
  #checkov:skip=CKV2_AWS_42:Without a domain of one's own there is no certificate.
  #checkov:skip=CKV2_AWS_47:The web ACL has the rules for Log4j (edge_firewall.tf).
  count = var.edge ? 1 : 0

  comment             = "${local.global_prefix}: dashboard and API"
  enabled             = true
  is_ipv6_enabled     = true
  http_version        = "http2and3"
  price_class         = var.price_class
  default_root_object = "index.html"
  aliases             = var.domain == null ? [] : [var.domain.site]
  web_acl_id          = one(aws_wafv2_web_acl.edge[*].arn)

  origin {
    origin_id                = "pages"
    domain_name              = aws_s3_bucket.bucket["site"].bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.bucket[0].id
  }

  origin {
    origin_id   = "api"
    domain_name = replace(aws_apigatewayv2_api.api.api_endpoint, "https://", "")

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
      origin_read_timeout    = 30 # as long as API Gateway itself waits
    }
  }

  # How long a page is kept says its Cache-Control, which make site sets.
  default_cache_behavior {
    target_origin_id           = "pages"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "redirect-to-https"
    compress                   = true
    cache_policy_id            = data.aws_cloudfront_cache_policy.managed["CachingOptimized"].id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.site[0].id

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.site["show_page"].arn
    }
  }

  ordered_cache_behavior {
    path_pattern               = "/api/*"
    target_origin_id           = "api"
    allowed_methods            = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "redirect-to-https"
    compress                   = true
    cache_policy_id            = data.aws_cloudfront_cache_policy.managed["CachingDisabled"].id
    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.all_but_host[0].id # with Authorization
    response_headers_policy_id = aws_cloudfront_response_headers_policy.site[0].id

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.site["strip_api"].arn
    }
  }

  # Else CloudFront keeps an error for ten seconds and tells the next person of it: a picture that is not there yet, or
  # not theirs. These are all the statuses that it keeps.
  dynamic "custom_error_response" {
    for_each = toset([400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504])

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

resource "aws_cloudfront_function" "site" {
  for_each = toset(var.edge ? ["show_page", "strip_api"] : [])

  name    = "${local.global_prefix}-${each.key}"
  runtime = "cloudfront-js-2.0"
  code    = file("${path.root}/edge/${each.key}.js")
}

resource "aws_cloudfront_response_headers_policy" "site" {
  #checkov:skip=CKV_AWS_259:Other names below the same domain, and lists for ever, are not ours to decide on.
  count = var.edge ? 1 : 0

  name    = "${local.global_prefix}-site"
  comment = "What a page of the dashboard may load and do."

  security_headers_config {
    content_security_policy {
      content_security_policy = join("; ", [
        for directive, sources in local.security_headers["Content-Security-Policy"] : "${directive} ${sources}"
      ])
      override = true
    }

    content_type_options {
      override = true
    }

    referrer_policy {
      referrer_policy = local.security_headers["Referrer-Policy"]
      override        = true
    }

    strict_transport_security {
      access_control_max_age_sec = 63072000
      override                   = true
    }
  }

  custom_headers_config {
    dynamic "items" {
      for_each = toset(["Cross-Origin-Opener-Policy", "Permissions-Policy"])

      content {
        header   = items.key
        value    = local.security_headers[items.key]
        override = true
      }
    }
  }
}
