# What a deployment by GitHub Actions or by the pipeline may do. It is broad: it makes and removes everything of this
# environment. What bounds it: names begin with the environment's; roles that it makes have the boundary; it is passed
# on to the services that run here only; and itself it cannot change, so that what is in this file is applied by a person.
locals {
  deploys      = var.delivery != "none"
  in_region    = "${var.region}:${local.account_id}"
  state_bucket = "arn:${local.partition}:s3:::matteflow-terraform-${local.account_id}-${var.region}"

  # Resources with names of ours, by service.
  named = {
    cloudtrail     = ["cloudtrail:${local.in_region}:trail/${local.name_prefix}-*"]
    dynamodb       = ["dynamodb:${local.in_region}:table/${local.name_prefix}-*"]
    ecr            = ["ecr:${local.in_region}:repository/${local.name_prefix}-*"]
    events         = ["events:${local.in_region}:rule/${local.name_prefix}-*", "events:${local.in_region}:archive/${local.name_prefix}-*", "events:${local.in_region}:event-bus/default"]
    lambda         = ["lambda:${local.in_region}:function:${local.name_prefix}-*", "lambda:${local.in_region}:layer:${local.name_prefix}-*"]
    s3             = ["s3:::${local.name_prefix}-*"]
    sagemaker      = [for kind in ["endpoint", "endpoint-config", "model"] : "sagemaker:${local.in_region}:${kind}/${local.name_prefix}-*"]
    secretsmanager = ["secretsmanager:${local.in_region}:secret:${local.name_prefix}/*"]
    sns            = ["sns:${local.in_region}:${local.name_prefix}-*"]
    sqs            = ["sqs:${local.in_region}:${local.name_prefix}-*"]
    ssm            = ["ssm:${local.in_region}:parameter/${local.name_prefix}/*"]
    states         = ["states:${local.in_region}:stateMachine:${local.name_prefix}-*"]
    wafv2          = ["wafv2:us-east-1:${local.account_id}:global/*"]
    budgets        = ["budgets::${local.account_id}:budget/${local.global_prefix}"]

    # Auto scaling makes two alarms of its own for an endpoint, and wants them allowed to whoever asks for it.
    cloudwatch = [
      "cloudwatch:${local.in_region}:alarm:${local.name_prefix}-*",
      "cloudwatch:${local.in_region}:alarm:TargetTracking-endpoint/${local.name_prefix}-*",
      "cloudwatch::${local.account_id}:dashboard/${local.global_prefix}",
    ]

    # CloudFront's access logs are delivered by way of us-east-1.
    logs = [
      "logs:*:${local.account_id}:log-group:*${local.name_prefix}-*",
      "logs:us-east-1:${local.account_id}:delivery:*",
      "logs:us-east-1:${local.account_id}:delivery-source:${local.name_prefix}-*",
      "logs:us-east-1:${local.account_id}:delivery-destination:${local.name_prefix}-*",
    ]
  }

  # Resources to which AWS gives names of its own.
  unnamed = {
    apigateway              = ["apigateway:${var.region}::/apis*", "apigateway:${var.region}::/tags/*"]
    application-autoscaling = ["application-autoscaling:${local.in_region}:scalable-target/*"]
    cloudfront              = ["cloudfront::${local.account_id}:*"]
    cognito-idp             = ["cognito-idp:${local.in_region}:userpool/*"]
    route53                 = ["route53:::hostedzone/*", "route53:::change/*"]
  }

  role_arns    = "arn:${local.partition}:iam::${local.account_id}:role/${local.global_prefix}-*"
  boundary_arn = "arn:${local.partition}:iam::${local.account_id}:policy/${local.global_prefix}-boundary"

  # Of every role here but those of the delivery itself.
  permissions_boundary = local.deploys ? aws_iam_policy.boundary[0].arn : null

  # What a plan reads of resources that it does not know by name, or that AWS lets nobody name.
  reading = [
    "acm:DescribeCertificate", "acm:ListCertificates", "acm:ListTagsForCertificate",
    "apigateway:GET",
    "application-autoscaling:Describe*", "application-autoscaling:ListTagsForResource",
    "budgets:ListTagsForResource", "budgets:ViewBudget",
    "cloudformation:ListTypes",
    "cloudtrail:DescribeTrails", "cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus", "cloudtrail:ListTags",
    "cloudwatch:DescribeAlarms", "cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource",
    "codebuild:BatchGetProjects", "codepipeline:GetPipeline", "codepipeline:ListTagsForResource",
    "codeconnections:GetConnection", "codeconnections:ListTagsForResource",
    "codestar-connections:GetConnection", "codestar-connections:ListTagsForResource",
    "cognito-idp:Describe*", "cognito-idp:Get*", "cognito-idp:List*",
    "dynamodb:Describe*", "dynamodb:ListTagsOfResource",
    "ecr:Describe*", "ecr:GetAuthorizationToken", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource",
    "events:Describe*", "events:List*",
    "iam:GetOpenIDConnectProvider", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies", "iam:ListOpenIDConnectProviders", "iam:ListPolicyVersions", "iam:ListRolePolicies",
    "kms:DescribeKey", "kms:ListAliases",
    "lambda:Get*", "lambda:List*",
    "logs:Describe*", "logs:GetDelivery*", "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:ListTagsForResource",
    "route53:GetHostedZone", "route53:ListHostedZones*", "route53:ListResourceRecordSets", "route53:ListTagsForResource",
    "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetAccelerateConfiguration",
    "s3:GetReplicationConfiguration", "s3:ListAllMyBuckets", "s3:ListBucket", "s3:ListTagsForResource",
    "sagemaker:Describe*", "sagemaker:ListTags",
    "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy",
    "servicequotas:Get*", "servicequotas:List*",
    "sns:Get*", "sns:List*", "sqs:Get*", "sqs:List*",
    "ssm:DescribeParameters",
    "states:Describe*", "states:List*", "states:ValidateStateMachineDefinition",
    "sts:GetCallerIdentity",
    "wafv2:Get*", "wafv2:List*",
    "cloudfront:Describe*", "cloudfront:Get*", "cloudfront:List*",
  ]
}

# No role that a deployment makes can do more: nothing to identities, and no way into another role or account.
resource "aws_iam_policy" "boundary" {
  count = local.deploys ? 1 : 0

  name        = "${local.global_prefix}-boundary"
  description = "The most that a role made by a deployment may do."
  policy      = data.aws_iam_policy_document.boundary.json
}

data "aws_iam_policy_document" "boundary" {
  #checkov:skip=CKV_AWS_107:A boundary gives nothing: each role's own policy does, and those are narrow.
  #checkov:skip=CKV_AWS_108:As above.
  #checkov:skip=CKV_AWS_109:As above.
  #checkov:skip=CKV_AWS_110:As above.
  #checkov:skip=CKV_AWS_111:As above.
  #checkov:skip=CKV_AWS_356:As above.
  statement {
    not_actions = ["account:*", "iam:*", "organizations:*", "sts:AssumeRole*", "sts:GetFederationToken"]
    resources   = ["*"]
  }
}

resource "aws_iam_role_policy" "deploy" {
  for_each = local.deploys ? {
    resources  = data.aws_iam_policy_document.deploy_resources.json
    identities = data.aws_iam_policy_document.deploy_identities.json
  } : {}

  name   = each.key
  role   = aws_iam_role.delivery["deploy"].id
  policy = each.value
}

resource "aws_iam_role_policy" "plan" {
  count = contains(keys(local.delivery_roles), "plan") ? 1 : 0

  name   = "plan"
  role   = aws_iam_role.delivery["plan"].id
  policy = data.aws_iam_policy_document.plan.json
}

data "aws_iam_policy_document" "plan" {
  #checkov:skip=CKV_AWS_356:What is read has no narrower name.
  statement {
    actions   = local.reading
    resources = ["*"]
  }

  statement {
    actions   = ["s3:GetObject"]
    resources = ["${local.state_bucket}/${var.environment}/*"]
  }

  # The lock.
  statement {
    actions   = ["s3:DeleteObject", "s3:PutObject"]
    resources = ["${local.state_bucket}/${var.environment}/*.tflock"]
  }

  statement {
    actions   = ["ssm:GetParameter", "ssm:GetParametersByPath"]
    resources = ["arn:${local.partition}:ssm:${local.in_region}:parameter/${local.name_prefix}/*"]
  }
}

data "aws_iam_policy_document" "deploy_resources" {
  #checkov:skip=CKV_AWS_107:Terraform reads what it has made.
  #checkov:skip=CKV_AWS_108:As above; and publishing writes objects.
  #checkov:skip=CKV_AWS_109:A deployment writes the policies of its buckets, queues and topics.
  #checkov:skip=CKV_AWS_111:Where AWS names the resources, or none, there is nothing narrower.
  #checkov:skip=CKV_AWS_356:As above.
  dynamic "statement" {
    for_each = merge(local.named, local.unnamed)

    content {
      actions   = ["${statement.key}:*"]
      resources = [for resource in statement.value : "arn:${local.partition}:${resource}"]
    }
  }

  # What is made under no name yet, or of which AWS takes only *.
  statement {
    actions   = ["cognito-idp:CreateUserPool", "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DeleteResourcePolicy", "logs:PutResourcePolicy", "logs:UpdateLogDelivery"]
    resources = ["*"]
  }

  statement {
    actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = ["${local.state_bucket}/${var.environment}/*"]
  }
}

data "aws_iam_policy_document" "deploy_identities" {
  #checkov:skip=CKV_AWS_109:Roles of this environment only, and none without the boundary.
  #checkov:skip=CKV_AWS_110:A role made here cannot get past the boundary.
  #checkov:skip=CKV_AWS_356:What is read has no narrower name.
  statement {
    actions   = local.reading
    resources = ["*"]
  }

  statement {
    actions   = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
    resources = [local.role_arns]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [local.boundary_arn]
    }
  }

  statement {
    actions   = ["iam:DeleteRole", "iam:ListInstanceProfilesForRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription"]
    resources = [local.role_arns]
  }

  statement {
    actions   = ["iam:PassRole"]
    resources = [local.role_arns]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["cloudtrail.amazonaws.com", "events.amazonaws.com", "lambda.amazonaws.com", "sagemaker.amazonaws.com", "states.amazonaws.com"]
    }
  }

  statement {
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["arn:${local.partition}:iam::${local.account_id}:role/aws-service-role/*"]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values   = ["ops.apigateway.amazonaws.com", "sagemaker.application-autoscaling.amazonaws.com", "wafv2.amazonaws.com"]
    }
  }

  statement {
    effect    = "Deny"
    actions   = ["iam:Attach*", "iam:Create*", "iam:Delete*", "iam:Detach*", "iam:PassRole", "iam:Put*", "iam:Tag*", "iam:Untag*", "iam:Update*"]
    resources = [for role in keys(local.delivery_roles) : "arn:${local.partition}:iam::${local.account_id}:role/${local.global_prefix}-${role}"]
  }
}
