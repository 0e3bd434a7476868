// Sockets that lie in the file system. A network namespace does not keep a step from them, nor does a read-only mount: it
// could have its work done by whoever listens. The kernel lists them; those in the step's view are covered.
//
// What was bound under a relative path, or after the step started, is not found.
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *list; // /proc/net/unix, as text

void find_sockets(void) {
  const int file = open("/proc/self/net/unix", O_RDONLY | O_CLOEXEC);
  size_t room = 0, length = 0;
  while (file >= 0) {
    if (length + 4096 > room) {
      char *grown = realloc(list, room = 2 * room + 16384);
      if (grown == NULL) abort();
      list = grown;
    }
    const ssize_t count = read(file, list + length, room - length - 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    length += (size_t)count;
  }
  if (file >= 0) close(file);
  if (list != NULL) list[length] = 0;
}

static bool cover(const char *path) {
  struct stat status;
  if (fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(status.st_mode)) return true;
  const int file = (int)syscall(SYS_open_tree, AT_FDCWD, "/dev/null", 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC);
  if (file < 0) return false;
  const bool done = syscall(SYS_move_mount, file, "", AT_FDCWD, path, 4 /* MOVE_MOUNT_F_EMPTY_PATH */) == 0;
  const int code = errno;
  close(file);
  errno = code;
  return done || code == ENOENT; // gone in the meantime
}

bool cover_sockets(const struct plan *plan, const char **detail) {
  char *rest = list;
  for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
    // Num: RefCount Protocol Flags Type St Inode Path
    char *path = strstr(line, " /");
    if (path == NULL) continue;
    path++;
    *detail = path;
    if (!cover(path)) return false;
    const size_t length = plan->project == NULL ? 0 : strlen(plan->project);
    if (length == 0 || plan->workspace == NULL || strncmp(path, plan->project, length) != 0 || path[length] != '/') continue;
    char inside[LONGEST_PATH];
    if (snprintf(inside, sizeof inside, "%s%s", plan->workspace, path + length) < (int)sizeof inside && !cover(inside))
      return false;
  }
  return true;
}
