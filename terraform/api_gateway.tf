resource "aws_apigatewayv2_api" "api" {
  name          = "${local.name_prefix}-api"
  description   = "Uploads and results of Matteflow."
  protocol_type = "HTTP"

  # The site calls the API under the site's own name, which is no other origin.
  dynamic "cors_configuration" {
    for_each = length(var.cors_origins) > 0 ? [true] : []

    content {
      allow_origins  = var.cors_origins
      allow_methods  = ["GET", "POST", "DELETE"]
      allow_headers  = ["authorization", "content-type"]
      expose_headers = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after"]
      max_age        = 3600
    }
  }
}

resource "aws_apigatewayv2_integration" "api" {
  api_id                 = aws_apigatewayv2_api.api.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.function["api"].invoke_arn
  payload_format_version = "2.0"
}

# It checks signature, issuer, audience and expiry of a token, before anything of ours runs. Browsers' preflights, which
# carry none, are answered by the API itself.
resource "aws_apigatewayv2_authorizer" "jwt" {
  count = local.has_sign_in ? 1 : 0

  api_id           = aws_apigatewayv2_api.api.id
  name             = "${local.name_prefix}-jwt"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]

  jwt_configuration {
    issuer   = local.sign_in.issuer
    audience = [local.sign_in.client_id]
  }
}

resource "aws_apigatewayv2_route" "api" {
  for_each = toset([
    "POST /upload-url",
    "GET /results",
    "GET /results/{image_id}",
    "DELETE /results/{image_id}",
    "POST /results/{image_id}/composites",
    "POST /results/{image_id}/resume",
    "GET /images/uploads/{filename}/status",
    "GET /metrics",
    "GET /intake",
    "GET /health",
    "GET /openapi.json",
    # API Gateway decodes a path before it routes, so the status of a key with slashes in it comes by these; and what no
    # route knows is answered as a problem document. Not $default: it would take the preflights of browsers too.
    "DELETE /{proxy+}",
    "GET /{proxy+}",
    "POST /{proxy+}",
  ])

  api_id    = aws_apigatewayv2_api.api.id
  route_key = each.key
  target    = "integrations/${aws_apigatewayv2_integration.api.id}"

  authorization_type   = local.has_sign_in ? "JWT" : "NONE"
  authorizer_id        = one(aws_apigatewayv2_authorizer.jwt[*].id)
  authorization_scopes = local.has_sign_in ? [startswith(each.key, "GET ") ? local.read_scope : local.write_scope] : null
}

# The $default stage answers at the API's own address, without a stage in the path.
resource "aws_apigatewayv2_stage" "api" {
  api_id      = aws_apigatewayv2_api.api.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.api_throttle.rate
    throttling_burst_limit = var.api_throttle.burst
  }

  # Never the path's query or headers: they may hold a token or a cursor.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api_access.arn
    format = jsonencode({
      requestId        = "$context.requestId"
      requestTime      = "$context.requestTime"
      sourceIp         = "$context.identity.sourceIp"
      routeKey         = "$context.routeKey"
      status           = "$context.status"
      responseLength   = "$context.responseLength"
      responseLatency  = "$context.responseLatency"
      integrationError = "$context.integrationErrorMessage"
      authorizerError  = "$context.authorizer.error"
    })
  }
}

resource "aws_cloudwatch_log_group" "api_access" {
  name              = "/aws/vendedlogs/apis/${local.name_prefix}-api"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_permission" "api" {
  statement_id  = "FromTheApi"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function["api"].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.api.execution_arn}/*/*"
}
