resource "aws_dynamodb_table" "records" {
  name         = "${local.name_prefix}-records"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "image_id"

  deletion_protection_enabled = var.protect_data

  attribute {
    name = "image_id"
    type = "S"
  }

  attribute {
    name = "owner"
    type = "S"
  }

  attribute {
    name = "upload_key"
    type = "S"
  }

  # ISO 8601 in UTC: its text order is its time order.
  attribute {
    name = "created_at"
    type = "S"
  }

  global_secondary_index {
    name            = "owner-created_at-index"
    hash_key        = "owner"
    range_key       = "created_at"
    projection_type = "ALL"
  }

  global_secondary_index {
    name            = "upload_key-created_at-index"
    hash_key        = "upload_key"
    range_key       = "created_at"
    projection_type = "ALL"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }
}
