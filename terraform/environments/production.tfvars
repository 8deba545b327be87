# For people's pictures: its data cannot be destroyed, and a mask does not wait for an instance to start.
environment  = "production"
region       = "us-east-1"
protect_data = true
tags         = { DataClassification = "personal" }

api_throttle = { rate = 100, burst = 200 }

audit_trail        = true
log_retention_days = 90
lifetimes          = { record_days = 90 }

# Two instances lie in two availability zones, so that one can fail.
mask_tier           = "realtime"
inference_instances = { min = 2, max = 4 }
