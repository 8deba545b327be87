data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  name_prefix = "matteflow-${var.environment}"

  # Of what has one name in the whole account, such as a role: the environment may be in two regions. An IAM role's name
  # has at most 64 characters.
  global_prefix = "${local.name_prefix}-${var.region}"

  tags = merge(var.tags, {
    Project     = "matteflow"
    Environment = var.environment
    ManagedBy   = "terraform"
  })

  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition

  # The one statement of the version is the project's.
  version = regex("(?m)^version = \"(.+)\"$", file("${path.root}/../pyproject.toml"))[0]

  api_url = replace(
    coalesce(var.api_url_override, aws_apigatewayv2_api.api.api_endpoint), "{api_id}", aws_apigatewayv2_api.api.id
  )
}
