// What this host allows: each thing is tried by a process of its own, in the way in which it is used later.
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Prints "NAME yes" when `attempt` succeeds in a child, else "NAME no WHAT: REASON".
static bool tried(const char *name, bool (*attempt)(const char **detail)) {
  int channel[2];
  if (pipe2(channel, O_CLOEXEC) < 0) return false;
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const char *detail = "";
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (attempt(&detail)) _exit(0);
    dprintf(channel[1], "%s: %s", detail, strerror(errno));
    _exit(1);
  }
  close(channel[1]);
  char text[300];
  const ssize_t length = read(channel[0], text, sizeof text - 1);
  text[length > 0 ? length : 0] = 0;
  close(channel[0]);
  int status = 1;
  if (child > 0) while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (child > 0 && status == 0) printf("%s yes\n", name);
  else printf("%s no %s\n", name, text);
  return child > 0 && status == 0;
}

static bool as_root; // whether a user namespace can be left out
static const char *folder;

static bool own_view(const char **detail, bool processes, bool network) {
  struct plan plan = {.users = !as_root, .mounts = true, .processes = processes, .network = network};
  return make_namespaces(&plan, detail) && make_view(&plan, detail);
}
static bool mounts(const char **detail) { return own_view(detail, false, false); }
static bool network(const char **detail) { return own_view(detail, false, true); }
static bool users(const char **detail) {
  const struct plan plan = {.users = true};
  return make_namespaces(&plan, detail);
}

static bool processes(const char **detail) {
  if (!own_view(detail, true, false)) return false;
  const pid_t child = fork();
  if (child == 0) _exit(mount_processes(&(struct plan){0}, detail) ? 0 : errno);
  int status = 1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
  *detail = "/proc";
  return child > 0 && status == 0;
}

static bool overlay(const char **detail) {
  const char *parts[] = {"lower", "upper", "work", "merged"};
  static char paths[4][LONGEST_PATH];
  for (int i = 0; i < 4; i++) {
    snprintf(paths[i], sizeof paths[i], "%s/%s", folder, parts[i]);
    if (mkdir(paths[i], 0755) < 0 && errno != EEXIST) {
      *detail = paths[i];
      return false;
    }
  }
  const char *lower[] = {paths[0]};
  struct mount_step step = {
      .kind = MOUNT_OVERLAY, .place = paths[3], .source = paths[1], .work = paths[2], .count = 1, .items = lower, .file = -1};
  struct plan plan = {.users = !as_root, .mounts = true, .steps = &step, .step_count = 1};
  return make_namespaces(&plan, detail) && make_view(&plan, detail);
}

static bool notify(const char **detail) {
  *detail = "seccomp";
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && install_filter(RECORD_BY_NOTIFY, false, false) >= 0;
}

static bool tracing(const char **detail) {
  *detail = "seccomp";
  int channel[2];
  if (pipe2(channel, O_CLOEXEC) < 0) return false;
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const int code = install_filter(RECORD_BY_PTRACE, false, false) == 0 ? 0 : errno;
    _exit(write(channel[1], &code, sizeof code) != sizeof code || pause() != 0);
  }
  int code = 0;
  const bool told = read(channel[0], &code, sizeof code) == sizeof code;
  if (told && code == 0) *detail = "ptrace";
  const bool done =
      told && code == 0 && ptrace(PTRACE_SEIZE, child, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP) == 0;
  if (told && code == 0) code = errno;
  kill(child, SIGKILL);
  errno = code;
  return done;
}

static bool landlock(const char **detail) {
  *detail = "landlock";
  const struct plan plan = {.landlock = true};
  if (landlock_version() > 0) return limit_process(&plan, detail);
  return false;
}

static bool sockets(const char **detail) {
  *detail = "seccomp";
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && install_filter(RECORD_NOTHING, true, false) == 0;
}

int probe(const char *where) {
  folder = where;
  as_root = true;
  printf("version 1\n");
  tried("users", users);
  // As root the namespaces are to be had without a user namespace, and files of other users stay readable.
  as_root = geteuid() == 0 && tried("mounts-as-root", mounts);
  tried("mounts", mounts);
  tried("processes", processes);
  tried("network", network);
  tried("overlay", overlay);
  tried("notify", notify);
  tried("ptrace", tracing);
  tried("landlock", landlock);
  printf("landlock-version %d\n", landlock_version());
  tried("refuse-network", sockets);
  return 0;
}
