"""The names of the buckets that the fixture ``s3`` makes."""

UPLOADS_BUCKET = "matteflow-test-uploads"
MASKS_BUCKET = "matteflow-test-masks"
RESULTS_BUCKET = "matteflow-test-results"
