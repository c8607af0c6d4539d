"""What a person keeps in files of their own, apart from recordings: written whole, and read as if from a stranger."""
