# For trying a release as production will run it, on one small instance that costs as long as it is there: destroy the
# environment once the release is out.
environment  = "staging"
region       = "us-east-1"
protect_data = false

api_throttle = { rate = 20, burst = 40 }

log_retention_days = 14
lifetimes          = { record_days = 30 }

mask_tier           = "realtime"
inference_instances = { min = 1, max = 2 }
