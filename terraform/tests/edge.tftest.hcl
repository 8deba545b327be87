# What people reach over CloudFront, and what stands before it.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

variables {
  environment         = "test"
  inference_image_uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/matteflow-inference:1"
}

run "edge" {
  override_resource {
    target = aws_cloudfront_distribution.site
    values = { arn = "arn:aws:cloudfront::123456789012:distribution/ESITE", domain_name = "dsite.cloudfront.net", id = "ESITE" }
  }

  override_resource {
    target = aws_cloudfront_distribution.results
    values = { arn = "arn:aws:cloudfront::123456789012:distribution/ERESULTS", domain_name = "dresults.cloudfront.net" }
  }

  assert {
    condition = alltrue([
      for distribution in values(local.distributions) :
      distribution.enabled && distribution.is_ipv6_enabled && distribution.http_version == "http2and3" &&
      distribution.web_acl_id == aws_wafv2_web_acl.edge[0].arn
    ])
    error_message = "Each distribution has the firewall, IPv6 and HTTP/3."
  }

  assert {
    condition = alltrue([
      for behavior in flatten([for distribution in values(local.distributions) : concat(distribution.default_cache_behavior, distribution.ordered_cache_behavior)]) :
      behavior.viewer_protocol_policy == "redirect-to-https" &&
      contains([aws_cloudfront_response_headers_policy.site[0].id, aws_cloudfront_response_headers_policy.results[0].id], behavior.response_headers_policy_id)
    ])
    error_message = "Each behaviour redirects to HTTPS and has its headers."
  }

  assert {
    condition = alltrue([
      for origin in flatten([for distribution in values(local.distributions) : [for origin in distribution.origin : origin]]) :
      length(origin.custom_origin_config) == 1 ? one(origin.custom_origin_config).origin_protocol_policy == "https-only" : origin.origin_access_control_id == aws_cloudfront_origin_access_control.bucket[0].id
    ])
    error_message = "A bucket is read by signed requests, and the API over HTTPS."
  }

  assert {
    condition     = aws_cloudfront_distribution.results[0].default_cache_behavior[0].trusted_key_groups == tolist([one(values(aws_cloudfront_key_group.signing)).id])
    error_message = "A result is read by a signed URL only."
  }

  assert {
    condition = (
      one(aws_cloudfront_distribution.site[0].ordered_cache_behavior).path_pattern == "/api/*" &&
      one(aws_cloudfront_distribution.site[0].ordered_cache_behavior).cache_policy_id == data.aws_cloudfront_cache_policy.managed["CachingDisabled"].id &&
      one(aws_cloudfront_distribution.site[0].ordered_cache_behavior).origin_request_policy_id == data.aws_cloudfront_origin_request_policy.all_but_host[0].id &&
      alltrue([for error in aws_cloudfront_distribution.site[0].custom_error_response : error.error_caching_min_ttl == 0 && error.response_page_path == null])
    )
    error_message = "The API gets all headers but Host, and neither its answers nor its errors are kept or replaced."
  }

  assert {
    condition = alltrue([
      for kind, distribution in local.distributions :
      one([for statement in data.aws_iam_policy_document.bucket[kind].statement : statement if statement.sid == "CloudFrontOnly"]).condition == toset([
        { test = "StringEquals", variable = "aws:SourceArn", values = tolist([distribution.arn]) }
      ]) &&
      aws_s3_bucket_public_access_block.bucket[kind].restrict_public_buckets
      ]) && alltrue([
      for kind in ["uploads", "masks"] : length(data.aws_iam_policy_document.bucket[kind].statement) == 1
    ])
    error_message = "A bucket is open to the distribution before it, and to no other."
  }

  assert {
    condition = alltrue([
      for directive in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self' https://dresults.cloudfront.net https://${aws_s3_bucket.bucket["uploads"].bucket_regional_domain_name}",
        "img-src 'self' blob: data: https://dresults.cloudfront.net",
      ] :
      strcontains(aws_cloudfront_response_headers_policy.site[0].security_headers_config[0].content_security_policy[0].content_security_policy, directive)
    ])
    error_message = "A page runs its own scripts, and fetches from the results and the buckets only."
  }

  assert {
    condition     = strcontains(aws_cloudfront_response_headers_policy.results[0].security_headers_config[0].content_security_policy[0].content_security_policy, "sandbox")
    error_message = "A result that is opened by itself can do nothing."
  }

  assert {
    condition = (
      output.dashboard_url == "https://dsite.cloudfront.net" &&
      output.api_url == "https://dsite.cloudfront.net/api" &&
      output.site_bucket == "matteflow-test-site-123456789012-us-east-1" &&
      output.site_distribution_id == "ESITE" &&
      aws_lambda_function.function["save_result"].environment[0].variables["RESULTS_URL"] == "https://dsite.cloudfront.net/results" &&
      one(aws_s3_bucket_cors_configuration.uploads.cors_rule).allowed_origins == toset(["https://dsite.cloudfront.net"])
    )
    error_message = "The site has its address, notices link to it, and its pages may upload."
  }

  assert {
    condition = jsondecode(aws_lambda_function.function["api"].environment[0].variables["RESULTS_EDGE"]) == {
      domain         = "dresults.cloudfront.net"
      key_id         = aws_cloudfront_public_key.signing["01a00000-0000-7000-8000-00000000000b"].id
      secret_arn     = "arn:aws:secretsmanager:us-east-1:123456789012:secret:matteflow-test/signing-key-AbCdEf"
      secret_version = "01a00000-0000-7000-8000-00000000000b"
    }
    error_message = "The newest key signs."
  }

  assert {
    condition     = length(one(values(aws_cloudfront_key_group.signing)).items) == 2
    error_message = "The key before it is trusted still."
  }

  assert {
    condition = {
      for name, document in data.aws_iam_policy_document.function : name => flatten([
        for statement in document.statement : statement.resources if contains(statement.actions, "secretsmanager:GetSecretValue")
      ]) if anytrue([for statement in document.statement : contains(statement.actions, "secretsmanager:GetSecretValue")])
    } == { api = ["arn:aws:secretsmanager:us-east-1:123456789012:secret:matteflow-test/signing-key-AbCdEf"] }
    error_message = "The API alone may read the private key."
  }

  assert {
    condition = (
      aws_wafv2_web_acl.edge[0].scope == "CLOUDFRONT" &&
      toset([for rule in aws_wafv2_web_acl.edge[0].rule : rule.name]) == toset([
        "requests-per-ip", "AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesCommonRuleSet",
      ]) &&
      alltrue(flatten([for rule in aws_wafv2_web_acl.edge[0].rule : [for action in rule.override_action : length(action.none) == 1]]))
    )
    error_message = "The firewall counts requests and has AWS's rules, in force."
  }

  assert {
    condition = (
      startswith(aws_cloudwatch_log_group.firewall[0].name, "aws-waf-logs-") &&
      aws_cloudwatch_log_group.firewall[0].retention_in_days == 30 &&
      aws_cloudwatch_log_group.edge_access[0].retention_in_days == 30 &&
      contains(flatten([for field in aws_wafv2_web_acl_logging_configuration.edge[0].redacted_fields : field.single_header[*].name]), "authorization") &&
      anytrue([for field in aws_wafv2_web_acl_logging_configuration.edge[0].redacted_fields : length(field.query_string) == 1])
    )
    error_message = "The firewall logs for a time, without tokens and signatures."
  }

  assert {
    condition = alltrue([
      for delivery in [aws_cloudwatch_log_delivery.site_access[0], aws_cloudwatch_log_delivery.results_access[0]] :
      length(setintersection(delivery.record_fields, ["cs-uri-query", "cs(Cookie)", "cs(Referer)"])) == 0
    ])
    error_message = "Access logs hold no signature and no token."
  }
}

run "own_names" {
  command = plan

  variables {
    domain = {
      site            = "photos.example.org"
      results         = "results.example.org"
      certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
      zone_id         = "Z0123456789ABC"
    }
    cors_origins = ["http://localhost:5173"]
  }

  assert {
    condition = alltrue([
      for distribution in values(local.distributions) :
      one(distribution.viewer_certificate).minimum_protocol_version == "TLSv1.2_2021" && one(distribution.viewer_certificate).ssl_support_method == "sni-only"
    ])
    error_message = "A name of one's own takes TLS 1.2 and newer."
  }

  assert {
    condition     = local.cors_origins == tolist(["http://localhost:5173", "https://photos.example.org"]) && local.results_domain == "results.example.org"
    error_message = "The names are the ones that were given."
  }

  assert {
    condition     = { for key, record in aws_route53_record.edge : key => "${record.name} ${record.type}" } == { for pair in setproduct(["site", "results"], ["A", "AAAA"]) : join(" ", pair) => "${var.domain[pair[0]]} ${pair[1]}" }
    error_message = "Both names have records for IPv4 and IPv6."
  }
}

run "without_a_signing_key" {
  command = plan

  override_data {
    target = data.aws_ssm_parameters_by_path.signing_keys
    values = { names = [], values = [] }
  }

  expect_failures = [aws_cloudfront_key_group.signing]
}
