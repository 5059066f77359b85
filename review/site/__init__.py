"""A static site from executed notebooks: reading without installing."""
