"""Other people's samples in a folder: the format (docs/submissions.md), its linter, and a model that reads them."""
