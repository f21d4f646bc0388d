"""Results as pictures and pages: sheets, curves, paths, reports."""
