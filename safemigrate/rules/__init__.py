"""One rule a file, and nothing else; a file here is a rule, found without a registry."""
