# The pipeline that checks and deploys what is pushed, where `delivery` is codepipeline. It runs the targets of the
# Makefile, as a person does. A protected environment waits for a person's yes.
locals {
  has_pipeline     = var.delivery == "codepipeline"
  artifacts_bucket = "${local.name_prefix}-delivery-${local.account_id}-${var.region}"

  install_terraform = [
    "curl -fsSLo /tmp/terraform.zip https://releases.hashicorp.com/terraform/1.11.4/terraform_1.11.4_linux_amd64.zip",
    "echo '1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc  /tmp/terraform.zip' | sha256sum --check",
    "unzip -qo /tmp/terraform.zip terraform -d /usr/local/bin",
  ]

  builds = {
    check = {
      description = "make check"
      image       = "public.ecr.aws/docker/library/node:22-bookworm" # Debian has the browser that the tests drive
      privileged  = false
      phases = {
        install = { commands = concat(["apt-get update -qq", "apt-get install -qq -y python3-venv unzip"], local.install_terraform) }
        build   = { commands = ["make check"] }
      }
    }
    deploy = {
      description = "make deploy ENV=${var.environment}"
      image       = "aws/codebuild/standard:7.0"
      privileged  = true
      phases = {
        install = { "runtime-versions" = { python = "3.13", nodejs = "22" }, commands = local.install_terraform }
        build = { commands = [
          "aws ssm get-parameter --name /${local.name_prefix}/variables --with-decryption --query Parameter.Value --output text >terraform/environments/${var.environment}.private.tfvars",
          "make deploy ENV=${var.environment} REGION=${var.region} APPROVE=yes",
        ] }
      }
    }
  }
}

# A person confirms it once, in the console (Developer Tools, Connections): until then the pipeline finds no source.
resource "aws_codeconnections_connection" "source" {
  count = local.has_pipeline ? 1 : 0

  name          = local.name_prefix
  provider_type = "GitHub"
}

resource "aws_codebuild_project" "build" {
  #checkov:skip=CKV_AWS_147:The artifacts are this repository's source, encrypted by S3; a key of our own costs a dollar a month.
  #checkov:skip=CKV_AWS_316:Building an image needs Docker's daemon; the check, which needs none, is not privileged.
  for_each = { for name, build in local.builds : name => build if local.has_pipeline }

  name           = "${local.name_prefix}-${each.key}"
  description    = each.value.description
  service_role   = aws_iam_role.delivery[each.key].arn
  build_timeout  = 90
  queued_timeout = 60

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    type            = "LINUX_CONTAINER"
    compute_type    = "BUILD_GENERAL1_LARGE"
    image           = each.value.image
    privileged_mode = each.value.privileged
  }

  source {
    type      = "CODEPIPELINE"
    buildspec = yamlencode({ version = "0.2", phases = each.value.phases })
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.build[each.key].name
    }
  }
}

resource "aws_cloudwatch_log_group" "build" {
  for_each = { for name, build in local.builds : name => build if local.has_pipeline }

  name              = "/aws/codebuild/${local.name_prefix}-${each.key}"
  retention_in_days = var.log_retention_days
}

resource "aws_codepipeline" "delivery" {
  #checkov:skip=CKV_AWS_219:As with the builds.
  count = local.has_pipeline ? 1 : 0

  name          = "${local.name_prefix}-delivery"
  role_arn      = aws_iam_role.delivery["pipeline"].arn
  pipeline_type = "V2"

  artifact_store {
    location = aws_s3_bucket.artifacts[0].bucket
    type     = "S3"
  }

  stage {
    name = "Source"

    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["source"]

      configuration = {
        ConnectionArn    = aws_codeconnections_connection.source[0].arn
        FullRepositoryId = var.repository
        BranchName       = "main"
      }
    }
  }

  dynamic "stage" {
    for_each = concat(["Check"], var.protect_data ? ["Approve"] : [], ["Deploy"])

    content {
      name = stage.value

      action {
        name            = stage.value
        category        = stage.value == "Approve" ? "Approval" : "Build"
        owner           = "AWS"
        provider        = stage.value == "Approve" ? "Manual" : "CodeBuild"
        version         = "1"
        input_artifacts = stage.value == "Approve" ? [] : ["source"]
        configuration   = stage.value == "Approve" ? {} : { ProjectName = aws_codebuild_project.build[lower(stage.value)].name }
      }
    }
  }

  depends_on = [aws_iam_role_policy.pipeline]
}

resource "aws_s3_bucket" "artifacts" {
  #checkov:skip=CKV_AWS_18:It holds copies of the source for a month.
  #checkov:skip=CKV_AWS_21:As above.
  #checkov:skip=CKV_AWS_144:As above.
  #checkov:skip=CKV_AWS_145:As above; S3 encrypts them.
  #checkov:skip=CKV2_AWS_62:CodePipeline itself tells what happens.
  count = local.has_pipeline ? 1 : 0

  bucket        = local.artifacts_bucket
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  count = local.has_pipeline ? 1 : 0

  bucket                  = aws_s3_bucket.artifacts[0].bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  count = local.has_pipeline ? 1 : 0

  bucket = aws_s3_bucket.artifacts[0].bucket

  rule {
    id     = "end"
    status = "Enabled"

    filter {}

    expiration {
      days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_iam_policy_document" "artifacts" {
  count = local.has_pipeline ? 1 : 0

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.artifacts[0].arn, "${aws_s3_bucket.artifacts[0].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "artifacts" {
  count = local.has_pipeline ? 1 : 0

  bucket = aws_s3_bucket.artifacts[0].bucket
  policy = data.aws_iam_policy_document.artifacts[0].json

  depends_on = [aws_s3_bucket_public_access_block.artifacts]
}

resource "aws_iam_role_policy" "pipeline" {
  for_each = local.has_pipeline ? local.delivery_roles : {}

  name   = "pipeline"
  role   = aws_iam_role.delivery[each.key].id
  policy = data.aws_iam_policy_document.pipeline[each.key].json
}

data "aws_iam_policy_document" "pipeline" {
  for_each = local.has_pipeline ? local.delivery_roles : {}

  statement {
    actions   = ["s3:GetBucketVersioning", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
    resources = [aws_s3_bucket.artifacts[0].arn, "${aws_s3_bucket.artifacts[0].arn}/*"]
  }

  dynamic "statement" {
    for_each = each.key == "pipeline" ? {
      build  = { actions = ["codebuild:BatchGetBuilds", "codebuild:StartBuild"], resources = values(aws_codebuild_project.build)[*].arn }
      source = { actions = ["codeconnections:UseConnection", "codestar-connections:UseConnection"], resources = [aws_codeconnections_connection.source[0].arn] }
      } : {
      log = { actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["${aws_cloudwatch_log_group.build[each.key].arn}:*"] }
    }

    content {
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }
}
