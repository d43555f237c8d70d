"""The web service: a REST API over the pipelines, and the review page. Needs the extra `web`."""
