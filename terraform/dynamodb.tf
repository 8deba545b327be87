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

  attribute {
    name = "unsettled"
    type = "S"
  }

  attribute {
    name = "updated_at"
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

  # Only records that something has yet to happen to have the attribute, so it holds few, and no step's mark is written
  # to it.
  global_secondary_index {
    name            = "unsettled-updated_at-index"
    hash_key        = "unsettled"
    range_key       = "updated_at"
    projection_type = "KEYS_ONLY"
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
