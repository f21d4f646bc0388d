"""One run from start to done: generate, extract, score, aggregate."""
