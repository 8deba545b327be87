data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  name_prefix = "matteflow-${var.environment}"
  account_id  = data.aws_caller_identity.current.account_id
  partition   = data.aws_partition.current.partition

  # The one statement of the version is the project's.
  version = regex("(?m)^version = \"(.+)\"$", file("${path.root}/../pyproject.toml"))[0]

  api_url = replace(
    coalesce(var.api_url_override, aws_apigatewayv2_api.api.api_endpoint), "{api_id}", aws_apigatewayv2_api.api.id
  )
}
