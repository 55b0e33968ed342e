# Tests: units here; the other folders add theirs.
