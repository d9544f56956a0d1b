"""Reports of an evaluation: tables and one HTML page; they draw and compute nothing."""
