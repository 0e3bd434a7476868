// A library of the project's own.
int answer(void) { return 42; }
