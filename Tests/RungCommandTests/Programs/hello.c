// A program of the project's own.
#include <stdio.h>
int main(void) { return puts("hello") < 0; }
