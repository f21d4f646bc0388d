"""Samples made elsewhere, in a folder: the format (docs/submissions.md), its checks, and a model that reads them."""
