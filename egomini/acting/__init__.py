"""What happens in a clip: actions, looks, hands, and the caption that says it."""
