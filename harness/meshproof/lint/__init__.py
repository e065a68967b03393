"""What is wrong or doubtful in a folder of manifests, told from the files alone: stable codes, places and fixes."""
