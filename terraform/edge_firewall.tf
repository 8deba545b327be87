# The firewall before both distributions. An HTTP API itself takes no web ACL: at its own address it is guarded by the
# authorizer and by throttling.
locals {
  has_firewall = var.edge && var.firewall

  # Rules of AWS against files and scripts in a request, and against long ones, which are counted only: names of people's
  # files are text here that nothing runs or opens, and may hold ../, <script> or .ini; a key is up to 1,024 bytes.
  counted_rules = [
    "CrossSiteScripting_BODY", "CrossSiteScripting_QUERYARGUMENTS", "CrossSiteScripting_URIPATH",
    "GenericLFI_BODY", "GenericLFI_QUERYARGUMENTS", "GenericLFI_URIPATH",
    "GenericRFI_BODY", "GenericRFI_QUERYARGUMENTS", "GenericRFI_URIPATH",
    "RestrictedExtensions_QUERYARGUMENTS", "RestrictedExtensions_URIPATH",
    "SizeRestrictions_QUERYSTRING", "SizeRestrictions_URIPATH",
  ]

  managed_rules = {
    AWSManagedRulesAmazonIpReputationList = { priority = 1, counted = [] }
    AWSManagedRulesKnownBadInputsRuleSet  = { priority = 2, counted = [] }
    AWSManagedRulesCommonRuleSet          = { priority = 3, counted = local.counted_rules }
  }
}

resource "aws_wafv2_web_acl" "edge" {
  #checkov:skip=CKV_AWS_192:The rules for Log4j are among managed_rules, which Checkov does not unroll.
  provider = aws.us_east_1
  count    = local.has_firewall ? 1 : 0

  name        = local.global_prefix
  description = "Before the dashboard, its API and the results."
  scope       = "CLOUDFRONT"

  default_action {
    allow {}
  }

  rule {
    name     = "requests-per-ip"
    priority = 0

    action {
      block {
        custom_response {
          response_code            = 429
          custom_response_body_key = "too-many-requests"

          response_header {
            name  = "Retry-After"
            value = "300"
          }
        }
      }
    }

    statement {
      rate_based_statement {
        aggregate_key_type    = "IP"
        evaluation_window_sec = 300
        limit                 = var.requests_per_ip
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "requests-per-ip"
      sampled_requests_enabled   = false
    }
  }

  dynamic "rule" {
    for_each = local.managed_rules

    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key

          dynamic "rule_action_override" {
            for_each = rule.value.counted

            content {
              name = rule_action_override.value

              action_to_use {
                count {}
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
        sampled_requests_enabled   = false # a sample shows headers
      }
    }
  }

  custom_response_body {
    key          = "too-many-requests"
    content_type = "APPLICATION_JSON"
    content = jsonencode({
      type   = "about:blank"
      title  = "Too Many Requests"
      status = 429
      detail = "Too many requests came from your address within five minutes. Try again in five minutes."
    })
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = local.global_prefix
    sampled_requests_enabled   = false
  }
}

# What a rule held up or counted. The distributions' own logs have the rest.
resource "aws_wafv2_web_acl_logging_configuration" "edge" {
  provider = aws.us_east_1
  count    = local.has_firewall ? 1 : 0

  resource_arn            = aws_wafv2_web_acl.edge[0].arn
  log_destination_configs = [aws_cloudwatch_log_group.firewall[0].arn]

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  redacted_fields {
    single_header {
      name = "cookie"
    }
  }

  redacted_fields {
    query_string {}
  }

  logging_filter {
    default_behavior = "DROP"

    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"

      dynamic "condition" {
        for_each = toset(["BLOCK", "COUNT", "EXCLUDED_AS_COUNT"])

        content {
          action_condition {
            action = condition.key
          }
        }
      }
    }
  }

  depends_on = [aws_cloudwatch_log_resource_policy.edge]
}

# WAF takes only names that begin like this.
resource "aws_cloudwatch_log_group" "firewall" {
  provider = aws.us_east_1
  count    = local.has_firewall ? 1 : 0

  name              = "aws-waf-logs-${local.global_prefix}"
  retention_in_days = var.log_retention_days
}

# Stated here, as WAF and CloudFront would else add to one policy of the whole account, which has an end.
resource "aws_cloudwatch_log_resource_policy" "edge" {
  provider = aws.us_east_1
  count    = var.edge ? 1 : 0

  policy_name     = local.global_prefix
  policy_document = data.aws_iam_policy_document.edge_logs[0].json
}

data "aws_iam_policy_document" "edge_logs" {
  count = var.edge ? 1 : 0

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [for group in concat(aws_cloudwatch_log_group.firewall, aws_cloudwatch_log_group.edge_access) : "${group.arn}:log-stream:*"]

    principals {
      type        = "Service"
      identifiers = ["delivery.logs.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:logs:us-east-1:${local.account_id}:*"]
    }
  }
}
