"""What is asked: study files, their schema, and their composition into one validated question."""
