"""Arrays → scores → results: what metrics see, scores of clips and sets, floor and chance, aggregation."""
