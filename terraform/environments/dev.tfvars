# For trying things out: costs next to nothing while nobody uses it, and can be thrown away with all that is in it.
environment  = "dev"
region       = "us-east-1"
protect_data = false
firewall     = false

cors_origins = ["http://localhost:5173"]
api_throttle = { rate = 10, burst = 20 }
intake       = { max_size_bytes = 26214400 }

metrics_dashboard  = false
log_retention_days = 7
lifetimes          = { record_days = 14 }
reconcile_schedule = "rate(1 hour)"

# No instance, and so no quota to ask for.
mask_tier = "lambda"
