# What people reach over CloudFront: the dashboard with the API below /api (edge_site.tf), and the results, which are
# people's own files, under another name (edge_results.tf). The firewall before both is in edge_firewall.tf.
locals {
  # A name is read from its distribution, so that whoever is told of it waits until that is deployed.
  site_domain    = one([for site in aws_cloudfront_distribution.site : var.domain == null ? site.domain_name : one(site.aliases)])
  results_domain = one([for results in aws_cloudfront_distribution.results : var.domain == null ? results.domain_name : one(results.aliases)])

  site_url      = var.edge ? "https://${local.site_domain}" : null
  dashboard_url = var.dashboard_url == null ? local.site_url : var.dashboard_url

  # Where pages come from that may upload, read pictures, and be returned to after sign-in. The API itself allows
  # var.cors_origins only: the site calls it under the site's own name.
  cors_origins = distinct(concat(var.cors_origins, local.site_url[*]))

  # The local server of the dashboard reads the same file (scripts/local_stack/dashboard.py).
  security_headers = jsondecode(templatefile("${path.root}/../frontend_react/security-headers.json", {
    picture_origins = join(" ", local.picture_origins)
    connect_origins = join(" ", concat(local.picture_origins, local.sign_in_origins))
  }))
  picture_origins = var.edge ? concat(
    ["https://${local.results_domain}"],
    [for kind in ["uploads", "masks"] : "https://${aws_s3_bucket.bucket[kind].bucket_regional_domain_name}"],
  ) : []
  sign_in_origins = local.sign_in_url[*]

  distributions = merge(
    { for site in aws_cloudfront_distribution.site : "site" => site },
    { for results in aws_cloudfront_distribution.results : "results" => results },
  )

  # Never a query, a cookie or a referrer: they may hold a signature, a cursor or a token.
  access_fields = [
    "date", "time", "DistributionId", "x-edge-location", "x-edge-request-id", "c-ip", "cs-method", "cs(Host)",
    "cs-uri-stem", "sc-status", "sc-bytes", "cs-bytes", "time-taken", "x-edge-result-type",
    "x-edge-detailed-result-type", "ssl-protocol", "cs-protocol-version", "cs(User-Agent)",
  ]
}

data "aws_cloudfront_cache_policy" "managed" {
  for_each = toset(var.edge ? ["CachingDisabled", "CachingOptimized"] : [])

  name = "Managed-${each.key}"
}

data "aws_cloudfront_origin_request_policy" "all_but_host" {
  count = var.edge ? 1 : 0

  name = "Managed-AllViewerExceptHostHeader"
}

resource "aws_cloudfront_origin_access_control" "bucket" {
  count = var.edge ? 1 : 0

  name                              = local.global_prefix
  description                       = "Signs what CloudFront asks the buckets for."
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_route53_record" "edge" {
  for_each = toset(var.edge && try(var.domain.zone_id, null) != null ? ["site A", "site AAAA", "results A", "results AAAA"] : [])

  zone_id = var.domain.zone_id
  name    = var.domain[split(" ", each.key)[0]]
  type    = split(" ", each.key)[1]

  alias {
    name                   = local.distributions[split(" ", each.key)[0]].domain_name
    zone_id                = local.distributions[split(" ", each.key)[0]].hosted_zone_id
    evaluate_target_health = false
  }
}

# Access logs.
resource "aws_cloudwatch_log_group" "edge_access" {
  provider = aws.us_east_1
  count    = var.edge ? 1 : 0

  name              = "/aws/vendedlogs/cloudfront/${local.global_prefix}"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_delivery_destination" "edge_access" {
  provider = aws.us_east_1
  count    = var.edge ? 1 : 0

  name          = local.global_prefix
  output_format = "json"

  delivery_destination_configuration {
    destination_resource_arn = aws_cloudwatch_log_group.edge_access[0].arn
  }
}

resource "aws_cloudwatch_log_delivery_source" "edge_access" {
  provider = aws.us_east_1
  for_each = toset(var.edge ? ["site", "results"] : [])

  name         = "${local.global_prefix}-${each.key}"
  log_type     = "ACCESS_LOGS"
  resource_arn = local.distributions[each.key].arn
}

resource "aws_cloudwatch_log_delivery" "site_access" {
  provider = aws.us_east_1
  count    = var.edge ? 1 : 0

  delivery_source_name     = aws_cloudwatch_log_delivery_source.edge_access["site"].name
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.edge_access[0].arn
  record_fields            = local.access_fields

  depends_on = [aws_cloudwatch_log_resource_policy.edge]
}

resource "aws_cloudwatch_log_delivery" "results_access" {
  provider = aws.us_east_1
  count    = var.edge ? 1 : 0

  delivery_source_name     = aws_cloudwatch_log_delivery_source.edge_access["results"].name
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.edge_access[0].arn
  record_fields            = local.access_fields

  # A destination takes one delivery at a time: https://github.com/hashicorp/terraform-provider-aws/issues/42194
  depends_on = [aws_cloudwatch_log_delivery.site_access]
}
