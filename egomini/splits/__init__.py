"""The frozen splits: recipes, clips made from them, and the files that hold them."""
