# docs/reference is generated from the tables of the program itself: `make docs`.
