"""References from other programs, matched with a corpus and taken into it."""
