"""Studies are coded one by one, by people who do not see each other's codes."""
