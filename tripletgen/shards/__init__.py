"""Write, read and describe the files of a data set."""
