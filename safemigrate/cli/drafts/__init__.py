"""New revisions: drafted, made safe, judged, and only then written into the project."""
