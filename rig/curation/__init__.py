"""What looks at the pictures of a dataset: duplicates, damage, wrong labels, contact sheets."""
