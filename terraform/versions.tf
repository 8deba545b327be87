terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # The path is given at init, one for each environment (scripts/terraform.py).
  backend "local" {}
}

# Credentials and endpoints come from the environment: AWS_PROFILE on AWS; locally AWS_ENDPOINT_URL and
# AWS_ENDPOINT_URL_SAGEMAKER.
provider "aws" {
  region            = var.region
  s3_use_path_style = var.s3_use_path_style

  default_tags {
    tags = {
      Project     = "matteflow"
      Environment = var.environment
      ManagedBy   = "terraform"
    }
  }
}

# CloudFront takes its web ACL and its logs from us-east-1, whatever the environment's region.
provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"

  default_tags {
    tags = {
      Project     = "matteflow"
      Environment = var.environment
      ManagedBy   = "terraform"
    }
  }
}
