// Linux calls and constants that glibc declares only under _GNU_SOURCE, which Swift's Glibc module does not define.
#include <fcntl.h>

extern int syncfs(int fd);

// Locks that belong to the open file description, not to the process (fcntl(2), "Open file description locks").
static const int RUNG_F_OFD_SETLK = 37;
