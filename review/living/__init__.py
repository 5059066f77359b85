"""New records from literature databases, screening with ASReview, codes that a language model proposes."""
