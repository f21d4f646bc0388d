"""Results as tables: terminal, Markdown, LaTeX, CSV, JSON."""
