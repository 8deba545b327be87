# Who may sign in, and what the API's tokens say. All of it only where sign-in is on.
locals {
  has_sign_in = var.auth == "cognito"

  # The dashboard's pages, and the loopback address of scripts/sign_in.py. Cognito takes http for localhost only.
  sign_in_callbacks  = concat([for origin in local.cors_origins : "${origin}/signed-in"], ["http://localhost:8765/callback"])
  sign_out_callbacks = [for origin in local.cors_origins : "${origin}/signed-out"]

  # A prefix of Cognito's own domain is unique within its region, over all accounts.
  sign_in_prefix = "${local.name_prefix}-${local.account_id}"
  sign_in_url = local.has_sign_in ? coalesce(
    var.sign_in_url_override, "https://${local.sign_in_prefix}.auth.${var.region}.amazoncognito.com"
  ) : null

  read_scope  = "matteflow/pictures.read"
  write_scope = "matteflow/pictures.write"
  scopes      = ["openid", "email", local.read_scope, local.write_scope]
}

resource "aws_cognito_user_pool" "users" {
  count = local.has_sign_in ? 1 : 0

  name                     = local.name_prefix
  user_pool_tier           = "LITE" # it has all that is used here; threat protection costs by the user
  deletion_protection      = var.protect_data ? "ACTIVE" : "INACTIVE"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  mfa_configuration        = var.require_mfa ? "ON" : "OFF"

  username_configuration {
    case_sensitive = false
  }

  # Cognito's pages let nobody set up a second factor by choice: it is everybody's or nobody's.
  dynamic "software_token_mfa_configuration" {
    for_each = var.require_mfa ? [true] : []

    content {
      enabled = true
    }
  }

  password_policy {
    minimum_length                   = 12
    require_lowercase                = true
    require_numbers                  = true
    require_symbols                  = true
    require_uppercase                = true
    temporary_password_validity_days = 7
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }

  # A new address counts once its owner has confirmed it: until then the old one signs in and recovers.
  user_attribute_update_settings {
    attributes_require_verification_before_update = ["email"]
  }

  admin_create_user_config {
    allow_admin_create_user_only = !var.self_sign_up

    invite_message_template {
      email_subject = "Your invitation to Matteflow"
      email_message = "Sign in${local.dashboard_url == null ? "" : " at ${local.dashboard_url}"} as {username} with the temporary password {####}"
    }
  }
}

resource "aws_cognito_resource_server" "api" {
  count = local.has_sign_in ? 1 : 0

  user_pool_id = aws_cognito_user_pool.users[0].id
  identifier   = "matteflow"
  name         = "Matteflow"

  scope {
    scope_name        = "pictures.read"
    scope_description = "See your pictures and what was made of them."
  }

  scope {
    scope_name        = "pictures.write"
    scope_description = "Upload, change and delete your pictures."
  }
}

# A page and a command keep no secret: the code flow with PKCE needs none.
resource "aws_cognito_user_pool_client" "app" {
  count = local.has_sign_in ? 1 : 0

  user_pool_id    = aws_cognito_user_pool.users[0].id
  name            = "${local.name_prefix}-app"
  generate_secret = false

  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = local.scopes
  callback_urls                        = local.sign_in_callbacks
  logout_urls                          = local.sign_out_callbacks
  supported_identity_providers         = ["COGNITO"]
  explicit_auth_flows                  = ["ALLOW_REFRESH_TOKEN_AUTH"]

  access_token_validity  = 1
  id_token_validity      = 1
  refresh_token_validity = 30

  token_validity_units {
    access_token  = "hours"
    id_token      = "hours"
    refresh_token = "days"
  }

  enable_token_revocation       = true
  prevent_user_existence_errors = "ENABLED"

  # Cognito refuses a client's scopes until they exist.
  depends_on = [aws_cognito_resource_server.api]
}

# The sign-in pages.
resource "aws_cognito_user_pool_domain" "sign_in" {
  count = local.has_sign_in ? 1 : 0

  user_pool_id = aws_cognito_user_pool.users[0].id
  domain       = local.sign_in_prefix
}

resource "aws_cognito_user_group" "group" {
  for_each = local.has_sign_in ? var.user_groups : {}

  user_pool_id = aws_cognito_user_pool.users[0].id
  name         = each.key
  description  = each.value.pictures_per_day == null ? "Any number of pictures a day." : "${each.value.pictures_per_day} pictures a day."
}

locals {
  sign_in = local.has_sign_in ? {
    issuer     = "https://${aws_cognito_user_pool.users[0].endpoint}"
    domain_url = local.sign_in_url
    client_id  = aws_cognito_user_pool_client.app[0].id
    scopes     = local.scopes
  } : null
}
