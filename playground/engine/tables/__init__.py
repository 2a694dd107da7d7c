"""Tables that visitors bring: encodings, delimiters; cells that no spreadsheet takes for formulas."""
