"""What REST sends and answers."""
