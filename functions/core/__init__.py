"""The domain that every step shares: models, errors, settings, and one adapter a service."""
