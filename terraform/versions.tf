terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # Bucket, key and region are given at init: a state for each environment and region (scripts/terraform.py).
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

# Credentials and endpoints come from the environment: AWS_PROFILE on AWS; locally AWS_ENDPOINT_URL and
# AWS_ENDPOINT_URL_SAGEMAKER.
provider "aws" {
  region              = var.region
  allowed_account_ids = var.allowed_account_ids
  s3_use_path_style   = var.s3_use_path_style

  default_tags {
    tags = local.tags
  }
}

# CloudFront takes its web ACL and its logs from us-east-1, whatever the environment's region.
provider "aws" {
  alias               = "us_east_1"
  region              = "us-east-1"
  allowed_account_ids = var.allowed_account_ids

  default_tags {
    tags = local.tags
  }
}
