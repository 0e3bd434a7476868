// The watcher's loop: starts the step, is told of its path calls by the kernel, reaps what ends, ends what is left.
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"

#if defined(__x86_64__)
#define THIS_MACHINE AUDIT_ARCH_X86_64
#else
#define THIS_MACHINE AUDIT_ARCH_AARCH64
#endif

// Linux 6.6: the one that was told is woken on the processor of the one that waits, which halves the price of a call.
#define IOCTL_SET_FLAGS _IOW('!', 4, uint64_t)
#define SYNC_WAKE_UP 1

struct step {
  pid_t pid;
  int status;
  bool ended;
};

static void reap(struct step *step, int flags) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, flags | __WALL)) > 0 || (pid < 0 && errno == EINTR);) {
    if (pid != step->pid) continue;
    step->status = status;
    step->ended = true;
    if (flags == 0) return;
  }
}

// ---- what is left when the step has ended

// Kills all that is left of the step, and says whether there was anything alive.
static bool end_rest(bool own_processes) {
  // What has ended but was never waited for is no process any more.
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0 || (pid < 0 && errno == EINTR)) {}
  if (pid < 0) return false;
  for (;;) {
    if (own_processes) {
      kill(-1, SIGKILL); // process 1 is not hit by its own signal
    } else {
      // As their subreaper we are the parent of those whose parents ended; each round may bring new ones.
      char path[64], text[4096];
      snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
      const int list = open(path, O_RDONLY | O_CLOEXEC);
      const ssize_t length = list < 0 ? -1 : read(list, text, sizeof text - 1);
      if (list >= 0) close(list);
      if (length <= 0) return true; // a kernel without the list: Rung kills the session
      text[length] = 0;
      char *after = text;
      for (long child; (child = strtol(after, &after, 10)) > 0;) kill((pid_t)child, SIGKILL);
    }
    while ((pid = waitpid(-1, &status, __WALL)) < 0 && errno == EINTR) {}
    if (pid < 0) return true;
  }
}

// Rung has died, and without a process namespace nobody else ends what the step started.
static void abandoned(int signal) {
  (void)signal;
  end_rest(false);
  _exit(1);
}

// ---- by notification

// Answers a listing in another order. False when the kernel is to do it as ever.
static bool answer_listing(int listener, const struct plan *plan, const struct seccomp_notif *call,
                           struct seccomp_notif_resp *reply) {
  const int folder = vary_take_folder((pid_t)call->pid, (int)call->data.args[0]);
  if (folder < 0) return false;
  // The thread still waits, so it was its folder.
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id) == 0) {
    const off_t place = lseek(folder, 0, SEEK_CUR);
    const long length = vary_listing(plan, folder, (pid_t)call->pid, call->data.args[1], (uint32_t)call->data.args[2]);
    reply->id = call->id;
    if (length < 0) reply->error = (int)length;
    else reply->val = length;
    // Interrupted by a signal, it will ask again.
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, reply) < 0 && place >= 0) lseek(folder, place, SEEK_SET);
  }
  close(folder);
  return true;
}

static void answer(
    int listener, const struct plan *plan, struct seccomp_notif *call, struct seccomp_notif_resp *reply, size_t size) {
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, call) < 0) {
    return; // ENOENT: killed in the meantime; EINTR: asked again
  }
  uint64_t arguments[6];
  for (int i = 0; i < 6; i++) arguments[i] = call->data.args[i];
  const bool foreign = call->data.arch != THIS_MACHINE;
  memset(reply, 0, size);
  const bool lists = call->data.nr == SYS_getdents64 && !foreign;
  if (lists && answer_listing(listener, plan, call, reply)) return;
  const int refused = lists ? 0 : watch_call((pid_t)call->pid, call->data.nr, arguments, foreign);
  reply->id = call->id;
  if (refused != 0) reply->error = -refused;
  else reply->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, reply);
}

static void loop_notify(
    const struct plan *plan, struct step *step, int listener, int channel, struct message *failure) {
  struct seccomp_notif_sizes sizes = {sizeof(struct seccomp_notif), sizeof(struct seccomp_notif_resp), 0};
  syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
  struct seccomp_notif *call = calloc(1, sizes.seccomp_notif + 64);
  struct seccomp_notif_resp *reply = calloc(1, sizes.seccomp_notif_resp + 64);
  if (call == NULL || reply == NULL) abort();
  ioctl(listener, IOCTL_SET_FLAGS, SYNC_WAKE_UP);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const int children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  struct pollfd list[3] = {{listener, POLLIN, 0}, {children, POLLIN, 0}, {channel, POLLIN, 0}};
  while (!step->ended) {
    if (poll(list, 3, -1) < 0 && errno != EINTR) abort();
    if ((list[0].revents & POLLIN) != 0) {
      memset(call, 0, sizes.seccomp_notif);
      answer(listener, plan, call, reply, sizes.seccomp_notif_resp);
    } else if (list[0].revents != 0) {
      list[0].fd = -1; // nobody is left who could be told of
    }
    if (list[2].revents != 0 && receive_message(channel, failure, NULL) <= 0) list[2].fd = -1; // the program runs
    if (list[1].revents != 0) {
      struct signalfd_siginfo ignored;
      while (read(children, &ignored, sizeof ignored) > 0) {}
      reap(step, WNOHANG);
    }
  }
  close(children);
  close(listener);
}

// ---- by ptrace

static void refuse_call(pid_t thread, int code) {
#if defined(__x86_64__)
  struct user_regs_struct registers;
  if (ptrace(PTRACE_GETREGS, thread, 0, &registers) < 0) return;
  registers.orig_rax = (unsigned long long)-1; // no such call: the answer below stays
  registers.rax = (unsigned long long)-(long long)code;
  ptrace(PTRACE_SETREGS, thread, 0, &registers);
#else
  (void)thread, (void)code;
#endif
}

static void told_by_ptrace(pid_t thread) {
  struct __ptrace_syscall_info info;
  memset(&info, 0, sizeof info);
  if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_SECCOMP) {
    report_problem("a system call could not be looked at");
    return;
  }
  uint64_t arguments[6];
  for (int i = 0; i < 6; i++) arguments[i] = info.seccomp.args[i];
  const int refused = watch_call(thread, (int)info.seccomp.nr, arguments, info.arch != THIS_MACHINE);
  if (refused != 0) refuse_call(thread, refused);
}

static void loop_ptrace(struct step *step) {
  while (!step->ended) {
    int status;
    const pid_t thread = waitpid(-1, &status, __WALL);
    if (thread < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (!WIFSTOPPED(status)) {
      if (thread == step->pid) {
        step->status = status;
        step->ended = true;
      }
      continue;
    }
    const int signal = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_SECCOMP) {
      told_by_ptrace(thread);
      ptrace(PTRACE_CONT, thread, 0, 0);
    } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
      ptrace(PTRACE_LISTEN, thread, 0, 0); // stopped by job control, and it stays so
    } else {
      // A new process or program goes on; a signal is handed over.
      ptrace(PTRACE_CONT, thread, 0, event == 0 ? signal : 0);
    }
  }
}

// ---- both

int run_watched(const struct plan *plan, void (*start)(const struct plan *, int), bool *left_behind) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
    report_failure(STAGE_FORK, errno, "a socket");
    return -1;
  }
  if (!plan->processes) {
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    signal(SIGRTMIN, abandoned); // a signal that nobody sends to the group
    prctl(PR_SET_PDEATHSIG, SIGRTMIN, 0, 0, 0);
  }
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  struct step step = {.pid = fork()};
  if (step.pid < 0) {
    report_failure(STAGE_FORK, errno, "a process");
    return -1;
  }
  if (step.pid == 0) start(plan, pair[1]);
  close(pair[1]);
  // Out of reach for the step, which has the same user: it cannot be attached to or written into. Not before the fork:
  // the step would begin like that, and who has no rights could not attach to it. Its program waits for us.
  if (plan->recorder != RECORD_NOTHING) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  watch_start(plan);
  if (vary_listings(plan)) report_varied(VARIED_LISTINGS);

  struct message failure = {0};
  if (plan->recorder == RECORD_BY_PTRACE) {
    const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                         PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, step.pid, 0, options) < 0) {
      report_failure(STAGE_RECORDER, errno, "ptrace");
      kill(step.pid, SIGKILL);
      return -1;
    }
    send_message(pair[0], &(struct message){0}, -1); // it may go on
    loop_ptrace(&step);
  } else if (plan->recorder == RECORD_BY_NOTIFY) {
    int listener = -1;
    if (receive_message(pair[0], &failure, &listener) > 0 && failure.stage == STAGE_NONE && listener >= 0)
      loop_notify(plan, &step, listener, pair[0], &failure);
    else reap(&step, 0);
  } else {
    reap(&step, 0);
  }
  // The step's last word, when it did not become its program.
  struct message last;
  fcntl(pair[0], F_SETFL, O_NONBLOCK);
  while (receive_message(pair[0], &last, NULL) > 0) failure = last;
  *left_behind = end_rest(plan->processes);
  if (failure.stage != STAGE_NONE) {
    report_failure((enum stage)failure.stage, failure.code, failure.detail);
    return -1;
  }
  report_recheck(plan->strict ? NULL : plan->project);
  return step.status;
}
