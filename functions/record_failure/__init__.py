"""record_failure: the record of a picture whose execution ended without a word."""
