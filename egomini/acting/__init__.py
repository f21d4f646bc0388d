"""The content of a clip: actions, looks, hands, and the caption."""
