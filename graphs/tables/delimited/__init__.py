"""Delimited text (CSV, TSV) read exactly: each line of the file is read, or refused by number."""
