// Linux calls and constants that glibc declares only under _GNU_SOURCE, which Swift's Glibc module does not define.
#include <fcntl.h>

extern int syncfs(int fd);

// Locks that belong to the open file description, not to the process (fcntl(2), "Open file description locks").
static const int RUNG_F_OFD_SETLK = 37;

#include <sched.h>
#include <sys/vfs.h>
#include <unistd.h>

/// The processors that this process may run on; at least 1.
static inline long rung_usable_processors(void) {
  // As words: CPU_COUNT is a macro that needs _GNU_SOURCE, without which it would be an unknown function.
  unsigned long words[sizeof(cpu_set_t) / sizeof(unsigned long)] = {0};
  if (sched_getaffinity(0, sizeof words, (cpu_set_t *)words) == 0) {
    long count = 0;
    for (unsigned long i = 0; i < sizeof words / sizeof words[0]; i++) count += __builtin_popcountl(words[i]);
    if (count > 0) return count;
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? online : 1;
}

/// The type of the file system at a path (a magic number of statfs(2)); 0 when it cannot be told.
static inline long rung_file_system_type(const char *path) {
  struct statfs information;
  return statfs(path, &information) == 0 ? (long)information.f_type : 0;
}

