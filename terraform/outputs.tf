output "region" {
  description = "The AWS region."
  value       = var.region
}

output "api_url" {
  description = "Base URL of the HTTP API, without a slash at its end: behind the firewall, where there is an edge."
  value       = var.edge ? "${local.site_url}/api" : local.api_url
}

output "uploads_bucket" {
  description = "Bucket of the originals; an object under uploads/ starts an execution."
  value       = aws_s3_bucket.bucket["uploads"].bucket
}

output "masks_bucket" {
  description = "Bucket of proxies, masks and what describes them."
  value       = aws_s3_bucket.bucket["masks"].bucket
}

output "results_bucket" {
  description = "Bucket of cut-outs, mattes, composites and thumbnails."
  value       = aws_s3_bucket.bucket["results"].bucket
}

output "table" {
  description = "Table of the records."
  value       = aws_dynamodb_table.records.name
}

output "topic_arn" {
  description = "Topic of the notices."
  value       = aws_sns_topic.notices.arn
}

output "state_machine_arn" {
  description = "The state machine that processes a picture."
  value       = aws_sfn_state_machine.process_image.arn
}

output "mask_provider" {
  description = "What makes the masks: the name of the endpoint or, in the tier lambda, of the function."
  value       = local.mask_provider
}

output "event_rule_name" {
  description = "Rule that starts the state machine; a replay of the archive names it."
  value       = aws_cloudwatch_event_rule.upload_arrived.name
}

output "dead_letter_queue_url" {
  description = "Queue of events that could not start an execution or a function, or that the workflow cannot read."
  value       = aws_sqs_queue.dead_letter.url
}

output "undelivered_queue_url" {
  description = "Queue of notices and events that could not be sent."
  value       = aws_sqs_queue.undelivered.url
}

output "sign_in" {
  description = "What signing in needs, for pages and commands: the tokens' issuer, the address of the sign-in pages, the app client and its scopes. Null where sign-in is off."
  value       = local.sign_in
}

output "event_archive_name" {
  description = "Archive of the uploads' events, from which they are replayed."
  value       = aws_cloudwatch_event_archive.uploads.name
}

output "function_names" {
  description = "Name of each function."
  value       = { for name, function in aws_lambda_function.function : name => function.function_name }
}

output "inference_image" {
  description = "The repository of the inference image, null where inference_image_uri names another, and the list of packages that the tier's image holds."
  value       = { repository = one(aws_ecr_repository.inference[*].repository_url), requirements = local.inference_requirements }
}

output "delivery_roles" {
  description = "Roles of the delivery, by what they are for; GitHub's environments name them as AWS_ROLE_ARN."
  value       = { for name, role in aws_iam_role.delivery : name => role.arn }
}

output "mask_tier" {
  description = "What the inference image runs as."
  value       = var.mask_tier
}

output "dashboard_url" {
  description = "Where the dashboard is, without a slash at its end; null where nothing serves it."
  value       = local.dashboard_url
}

output "site_bucket" {
  description = "Bucket of the dashboard's pages; null without an edge."
  value       = one([for kind, bucket in aws_s3_bucket.bucket : bucket.bucket if kind == "site"])
}

output "site_distribution_id" {
  description = "CloudFront's distribution of the dashboard's pages, whose copies make site renews; null without an edge."
  value       = one(aws_cloudfront_distribution.site[*].id)
}

output "protect_data" {
  description = "Whether buckets that hold objects, and the table, cannot be destroyed."
  value       = var.protect_data
}
