# What a deployment is made from, and who makes it: the repository of the inference image and, where `delivery` says so,
# the roles by which GitHub Actions, or a pipeline of the account itself (delivery_pipeline.tf), plans and deploys.
locals {
  # Of the two images of one tag (scripts/image.py), that with CUDA runs where there is a GPU.
  inference_requirements = local.has_gpu ? "inference-gpu" : "inference"
  inference_image_uri = (
    var.inference_image_uri != null ? var.inference_image_uri :
    "${aws_ecr_repository.inference[0].repository_url}:${local.inference_requirements}-${coalesce(var.inference_image_tag, "none")}"
  )

  # IAM knows no regions.

  github = "token.actions.githubusercontent.com"

  # Plans have an environment of GitHub's and a role of their own, so that a pull request cannot deploy.
  delivery_trusts = {
    none         = {}
    github       = { deploy = "repo:${coalesce(var.repository, "none")}:environment:${var.environment}", plan = "repo:${coalesce(var.repository, "none")}:environment:${var.environment}-plan" }
    codepipeline = { deploy = "codebuild.amazonaws.com", check = "codebuild.amazonaws.com", pipeline = "codepipeline.amazonaws.com" }
  }
  delivery_roles = local.delivery_trusts[var.delivery]
}

resource "aws_ecr_repository" "inference" {
  #checkov:skip=CKV_AWS_136:The image holds public packages and our code, no data; a key of our own costs a dollar a month.
  count = var.inference_image_uri == null ? 1 : 0

  name                 = "${local.name_prefix}-inference"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.protect_data

  encryption_configuration {
    encryption_type = "AES256"
  }

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "inference" {
  count = length(aws_ecr_repository.inference)

  repository = aws_ecr_repository.inference[0].name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Keep the image in use and those to go back to."
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 10 }
      action       = { type = "expire" }
    }]
  })
}

# SageMaker pulls with the endpoint's role. Lambda pulls by itself, and would add this policy if it were not there.
# https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#gettingstarted-images-permissions
data "aws_iam_policy_document" "repository" {
  count = length(aws_ecr_repository.inference)

  statement {
    actions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.inference_function_arn]
    }
  }
}

resource "aws_ecr_repository_policy" "inference" {
  count = length(aws_ecr_repository.inference)

  repository = aws_ecr_repository.inference[0].name
  policy     = data.aws_iam_policy_document.repository[0].json
}

# GitHub's identity provider, of which an account has one. AWS knows GitHub's certificate authority: no thumbprint.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.delivery == "github" && !var.github_provider_exists ? 1 : 0

  url            = "https://${local.github}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "delivery" {
  for_each = local.delivery_roles

  name               = "${local.global_prefix}-${each.key}"
  description        = "Delivery (${each.key}), taken by ${each.value}."
  assume_role_policy = data.aws_iam_policy_document.delivery_trust[each.key].json
}

# A job of GitHub's gets the role by the environment that it runs in, whose protection rules say which branches may and
# who has to agree.
data "aws_iam_policy_document" "delivery_trust" {
  for_each = local.delivery_roles

  statement {
    actions = [var.delivery == "github" ? "sts:AssumeRoleWithWebIdentity" : "sts:AssumeRole"]

    principals {
      type        = var.delivery == "github" ? "Federated" : "Service"
      identifiers = [var.delivery == "github" ? "arn:${local.partition}:iam::${local.account_id}:oidc-provider/${local.github}" : each.value]
    }

    dynamic "condition" {
      for_each = var.delivery == "github" ? { aud = "sts.amazonaws.com", sub = each.value } : {}

      content {
        test     = "StringEquals"
        variable = "${local.github}:${condition.key}"
        values   = [condition.value]
      }
    }

    dynamic "condition" {
      for_each = var.delivery == "github" ? [] : [local.account_id]

      content {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [condition.value]
      }
    }
  }
}
