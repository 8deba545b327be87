"""reconcile_records: pictures that wait for what will not come are started again."""
