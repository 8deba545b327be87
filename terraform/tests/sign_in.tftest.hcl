# Who may call the API, and what tokens are taken.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

variables {
  edge                = false
  environment         = "test"
  cors_origins        = ["https://photos.example.org"]
  inference_image_uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/matteflow-inference:1"
}

run "cognito" {
  variables {
    user_groups      = { pro = { pictures_per_day = 500 }, staff = {} }
    pictures_per_day = 20
  }

  assert {
    condition = alltrue([
      for key, route in aws_apigatewayv2_route.api :
      route.authorization_type == "JWT" &&
      route.authorizer_id == one(aws_apigatewayv2_authorizer.jwt).id &&
      route.authorization_scopes == toset([startswith(key, "GET ") ? "matteflow/pictures.read" : "matteflow/pictures.write"])
    ])
    error_message = "No route answers without a token that has its scope."
  }

  assert {
    condition = (
      one(aws_apigatewayv2_authorizer.jwt).authorizer_type == "JWT" &&
      one(aws_apigatewayv2_authorizer.jwt).identity_sources == toset(["$request.header.Authorization"]) &&
      one(aws_apigatewayv2_authorizer.jwt).jwt_configuration[0].issuer == "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Mock" &&
      one(aws_apigatewayv2_authorizer.jwt).jwt_configuration[0].audience == toset(["mockclient"])
    )
    error_message = "A token is of our own pool, for our own app client, and comes in the header."
  }

  assert {
    condition = (
      !one(aws_cognito_user_pool_client.app).generate_secret &&
      one(aws_cognito_user_pool_client.app).allowed_oauth_flows == toset(["code"]) &&
      one(aws_cognito_user_pool_client.app).explicit_auth_flows == toset(["ALLOW_REFRESH_TOKEN_AUTH"]) &&
      one(aws_cognito_user_pool_client.app).prevent_user_existence_errors == "ENABLED" &&
      one(aws_cognito_user_pool_client.app).enable_token_revocation
    )
    error_message = "People sign in on Cognito's pages alone, by the code flow."
  }

  assert {
    condition = (
      one(aws_cognito_user_pool_client.app).callback_urls == toset(["https://photos.example.org/signed-in", "http://localhost:8765/callback"]) &&
      one(aws_cognito_user_pool_client.app).logout_urls == toset(["https://photos.example.org/signed-out"])
    )
    error_message = "The pages send people back to the dashboard and the command, and nowhere else."
  }

  assert {
    condition = (
      one(aws_cognito_user_pool.users).admin_create_user_config[0].allow_admin_create_user_only &&
      one(aws_cognito_user_pool.users).deletion_protection == "ACTIVE" &&
      one(aws_cognito_user_pool.users).mfa_configuration == "OFF"
    )
    error_message = "People are invited, may use a second factor, and their accounts are not deleted by mistake."
  }

  assert {
    condition     = keys(aws_cognito_user_group.group) == ["pro", "staff"]
    error_message = "Every group of user_groups can be given to people."
  }

  assert {
    condition = (
      aws_lambda_function.function["api"].environment[0].variables.AUTH == "cognito" &&
      aws_lambda_function.function["api"].environment[0].variables.PICTURES_PER_DAY == "20" &&
      jsondecode(aws_lambda_function.function["api"].environment[0].variables.GROUP_PICTURES_PER_DAY) == { pro = 500, staff = null }
    )
    error_message = "The API knows that sign-in is on, and everybody's number of pictures a day."
  }

  assert {
    condition = output.sign_in == {
      issuer     = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Mock"
      domain_url = "https://matteflow-test-123456789012.auth.us-east-1.amazoncognito.com"
      client_id  = "mockclient"
      scopes     = ["openid", "email", "matteflow/pictures.read", "matteflow/pictures.write"]
    }
    error_message = "Pages and commands are told how to sign in."
  }

  assert {
    condition = toset(["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after"]) == (
      aws_apigatewayv2_api.api.cors_configuration[0].expose_headers
    )
    error_message = "A page may read how many uploads are left."
  }
}

run "self_sign_up" {
  command = plan

  variables {
    self_sign_up = true
    protect_data = false
  }

  assert {
    condition = (
      !one(aws_cognito_user_pool.users).admin_create_user_config[0].allow_admin_create_user_only &&
      one(aws_cognito_user_pool.users).deletion_protection == "INACTIVE"
    )
    error_message = "People may make their accounts, and a throw-away environment goes with them."
  }
}

run "none" {
  variables {
    auth        = "none"
    user_groups = { pro = { pictures_per_day = 500 } }
  }

  assert {
    condition = (
      length(aws_cognito_user_pool.users) + length(aws_cognito_user_pool_client.app) +
      length(aws_cognito_user_pool_domain.sign_in) + length(aws_cognito_resource_server.api) +
      length(aws_cognito_user_group.group) + length(aws_apigatewayv2_authorizer.jwt)
    ) == 0
    error_message = "There is nothing of Cognito."
  }

  assert {
    condition = alltrue([
      for route in aws_apigatewayv2_route.api : route.authorization_type == "NONE" && route.authorizer_id == null
    ])
    error_message = "Every route answers without a token."
  }

  assert {
    condition     = output.sign_in == null && aws_lambda_function.function["api"].environment[0].variables.AUTH == "none"
    error_message = "Nobody is told of sign-in."
  }
}

run "refused" {
  command = plan

  variables {
    auth             = "jwt"
    user_groups      = { "two words" = {} }
    pictures_per_day = 0
  }

  expect_failures = [var.auth, var.user_groups, var.pictures_per_day]
}

run "half_a_picture_a_day" {
  command = plan

  variables {
    user_groups = { pro = { pictures_per_day = 0.5 } }
  }

  expect_failures = [var.user_groups]
}
