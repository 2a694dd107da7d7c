"""Tables that visitors bring: which encoding, which delimiter; and cells that no spreadsheet runs as a formula."""
