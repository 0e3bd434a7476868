// Linux calls and constants that glibc declares only under _GNU_SOURCE, which Swift's Glibc module does not define.
#include <fcntl.h>

extern int syncfs(int fd);
extern int sync_file_range(int fd, off_t offset, off_t count, unsigned int flags);

// Locks that belong to the open file description, not to the process (fcntl(2), "Open file description locks").
static const int RUNG_F_OFD_SETLK = 37;

// Begin to write, and wait for nothing (sync_file_range(2)).
static const unsigned int RUNG_SYNC_FILE_RANGE_WRITE = 2;

#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/// The processors that this process may run on; at least 1.
static inline long rung_usable_processors(void) {
  // The system call itself: glibc's CPU_COUNT is another thing behind _GNU_SOURCE. It answers the bytes that it wrote.
  unsigned long mask[1024 / (8 * sizeof(long))] = {0};
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask), count = 0;
  for (long i = 0; i < bytes / (long)sizeof(long); i++) count += __builtin_popcountl(mask[i]);
  if (count > 0) return count;
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? online : 1;
}

/// The type of the file system at a path (a magic number of statfs(2)); 0 when it cannot be told.
static inline long rung_file_system_type(const char *path) {
  struct statfs information;
  return statfs(path, &information) == 0 ? (long)information.f_type : 0;
}

#include <linux/fs.h>
#include <sys/ioctl.h>

/// Gives `to` the bytes of `from`, shared on the disk until one of them is written; 0, or -1 and errno.
static inline int rung_clone(int to, int from) { return ioctl(to, FICLONE, from); }

#include <stdio.h>

extern int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned int flags);

/// Lets two paths of one file system change places, in one step; 0, or -1 and errno (EINVAL where it cannot be done).
static inline int rung_exchange(const char *one, const char *other) {
  return renameat2(AT_FDCWD, one, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */);
}

/// A file without a name, in memory, closed at exec; -1 and errno.
static inline int rung_memory_file(void) { return (int)syscall(SYS_memfd_create, "rung", 1u /* MFD_CLOEXEC */); }

#include <poll.h>

/// Waits until the process has ended, without reaping it, or so many milliseconds are over. 1 when it has ended.
static inline int rung_await_end(pid_t process, int milliseconds) {
  int file = (int)syscall(434 /* pidfd_open */, process, 0u);
  if (file < 0) return 0;
  struct pollfd ended = {file, POLLIN, 0};
  int ready = poll(&ended, 1, milliseconds);
  close(file);
  return ready > 0;
}
