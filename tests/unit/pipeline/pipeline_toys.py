"""All toys under the one name by which tests ask for them: `--model pipeline_toys:ToyModel`, `--metrics …:Speed`."""

METRICS = "pipeline_toys:Speed,pipeline_toys:Gap,pipeline_toys:MeanColour"
__all__ = [
    *("FACTS", "METRICS", "make_split", "offsets", "picture", "walk"),
    *("Shuffled", "ToyModel", "raise_on_replace"),
    *("ToyEvaluator", "ToyExtractor", "ToyEyes"),
    *("Astray", "ClipColour", "Deed", "Gap", "Grip", "MeanColour", "Speed"),
]
