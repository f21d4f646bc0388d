"""How the rows are trained. Read `stages` first, then `loop`, `stepping` and `objective`; `recipes` has the numbers."""
