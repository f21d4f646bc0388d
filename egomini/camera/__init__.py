"""The camera on the head, and the ray caster that draws what it sees."""
