#define _GNU_SOURCE
#include "crunglaunch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Volatile, since the child writes it into the memory that it shares with the parent until exec.
typedef volatile struct rung_launch_failure failure_slot;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare_process(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  // With SIGCHLD ignored (inherited from some parents) the kernel reaps children itself and their end is lost.
  struct sigaction current;
  if (sigaction(SIGCHLD, NULL, &current) == 0 && current.sa_handler == SIG_IGN) signal(SIGCHLD, SIG_DFL);
}

static void give_up(failure_slot *slot, int stage) {
  slot->code = errno;
  slot->stage = stage;
  _exit(127);
}

static void close_from(int first, long limit) {
  if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0) return;
  for (long fd = first; fd < limit; fd++) close((int)fd); // kernels before 5.9
}

// Everything that the child does. It runs on the parent's stack and memory while the parent's thread stands still, so
// it may call nothing but async-signal-safe functions and must not return.
static void run_child(const struct rung_launch_request *r, failure_slot *slot, pid_t parent, long descriptors) {
  // Handlers go before the mask is lifted: one of ours must never run here, in memory that belongs to the parent. By the
  // kernel's own call, for the two signals that glibc keeps to itself and that a parent may have ignored; all
  // zeros is SIG_DFL without flags in the kernel's structure.
  const unsigned long standard[8] = {0};
  for (int number = 1; number < NSIG; number++) {
    if (number != SIGKILL && number != SIGSTOP) syscall(SYS_rt_sigaction, number, standard, NULL, NSIG / 8);
  }

  if (setsid() < 0) give_up(slot, RUNG_STAGE_SESSION);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) give_up(slot, RUNG_STAGE_SESSION);
  if (getppid() != parent) _exit(127); // it died before the line above; nobody is left to tell
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  umask(022);

  if (chdir(r->folder) < 0) give_up(slot, RUNG_STAGE_FOLDER);

  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, 0) < 0) give_up(slot, RUNG_STAGE_STREAMS);
  if (dup2(r->log, 1) < 0 || dup2(r->log, 2) < 0) give_up(slot, RUNG_STAGE_STREAMS);
  // Before exec is tried: copies of descriptors on which other threads write programs must not make them busy while
  // we sleep below.
  // By way of higher numbers: one may have the number that another is to get.
  int moved[4];
  for (int i = 0; i < r->passed_count && i < 4; i++) {
    if ((moved[i] = fcntl(r->passed[i], F_DUPFD, 16)) < 0) give_up(slot, RUNG_STAGE_STREAMS);
  }
  for (int i = 0; i < r->passed_count && i < 4; i++) {
    if (dup2(moved[i], 3 + i) < 0) give_up(slot, RUNG_STAGE_STREAMS);
  }
  close_from(3 + r->passed_count, descriptors);

  sigset_t empty;
  sigemptyset(&empty);
  sigprocmask(SIG_SETMASK, &empty, NULL);

  long pause = 500 * 1000;
  for (int attempt = 0; attempt < 9; attempt++) {
    execve(r->program, r->arguments, r->environment);
    if (errno != ETXTBSY) break;
    const struct timespec length = {0, pause};
    nanosleep(&length, NULL);
    pause *= 2;
    errno = ETXTBSY;
  }
  give_up(slot, RUNG_STAGE_EXEC);
}

pid_t rung_launch(const struct rung_launch_request *request, struct rung_launch_failure *failure) {
  pthread_once(&once, prepare_process);
  failure_slot *slot = failure;
  slot->stage = RUNG_STAGE_NONE;
  slot->code = 0;
  const long descriptors = sysconf(_SC_OPEN_MAX);
  const pid_t parent = getpid();

  sigset_t every, before;
  sigfillset(&every);
  pthread_sigmask(SIG_BLOCK, &every, &before);
  const pid_t child = vfork();
  if (child == 0) run_child(request, slot, parent, descriptors);
  const int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);

  if (child < 0) {
    slot->stage = RUNG_STAGE_FORK;
    slot->code = fork_error;
    return -1;
  }
  if (slot->stage != RUNG_STAGE_NONE) {
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    return -1;
  }
  return child;
}

int rung_pidfd(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

// Kills and reaps children of ours that belong to session `leader`. They are ours because their own parents died and
// we are their subreaper: the kernel gives them to our first thread. Looking there finds also those that left the
// group (job control, timeout(1)), but not a daemon that made a session of its own. Returns how many there were.
//
// Such a child cannot be reaped by anyone else, so its number is its own until we reap it.
static int kill_adopted(const char *children, pid_t leader) {
  char text[16384];
  const int list = open(children, O_RDONLY | O_CLOEXEC);
  if (list < 0) return 0; // a kernel without CONFIG_PROC_CHILDREN: the group was signalled all the same
  ssize_t length = read(list, text, sizeof text - 1);
  close(list);
  if (length <= 0) return 0;
  text[length] = 0;

  int found = 0;
  for (char *at = text; *at != 0;) {
    char *after;
    const pid_t child = (pid_t)strtol(at, &after, 10);
    if (after == at || *after == 0) break; // the number may be cut where the text ends
    at = after + 1;
    if (child <= 0 || child == leader || getsid(child) != leader) continue;
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    found++;
  }
  return found;
}

int rung_finish(pid_t leader, struct rung_end *end, int *left_behind) {
  *left_behind = 0;
  siginfo_t info;
  while (waitid(P_PID, (id_t)leader, &info, WEXITED | WNOWAIT) < 0) {
    if (errno != EINTR) return errno;
  }

  // While the leader is a zombie its number is taken, so group and session of this number are this step's.
  char children[64];
  snprintf(children, sizeof children, "/proc/self/task/%d/children", (int)getpid());
  kill(-leader, SIGKILL);
  while (kill_adopted(children, leader) > 0) *left_behind = 1; // each may have left children of its own

  struct rusage used;
  while (wait4(leader, &end->status, 0, &used) < 0) {
    if (errno != EINTR) return errno;
  }
  end->cpu_nanoseconds = (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000 +
                         (int64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
  end->peak_bytes = (int64_t)used.ru_maxrss * 1024;

  // Where the list of children is missing or was too long, the group's members are reaped here.
  for (;;) {
    if (waitpid(-leader, NULL, 0) > 0) *left_behind = 1;
    else if (errno != EINTR) break;
  }
  return 0;
}

int rung_name_beneath(int folder, const char *path) {
  struct open_how how = {
      .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

int rung_wait(int ended, int event, int64_t nanoseconds) {
  struct pollfd list[2] = {{.fd = ended, .events = POLLIN}, {.fd = event, .events = POLLIN}};
  const struct timespec left = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  if (ppoll(list, 2, nanoseconds < 0 ? NULL : &left, NULL) <= 0) return 0;
  return list[0].revents != 0;
}

int rung_memory_file(void) { return memfd_create("rung", MFD_CLOEXEC); }

int rung_sync(int file) { return syncfs(file); }

const char *rung_reason(int code) {
  const char *text = strerrordesc_np(code);
  return text != NULL ? text : "unknown error";
}

int rung_usable_processors(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) < 0 ? 0 : CPU_COUNT(&set);
}

int rung_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void rung_event_raise(int event) { eventfd_write(event, 1); }
