// The three processes of a step; see step.h.
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"

// What Rung sends to the group means the step: a polite signal is for it alone.
static void ignore_signals(void) {
  static const int polite[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGTSTP};
  for (size_t i = 0; i < sizeof polite / sizeof *polite; i++) signal(polite[i], SIG_IGN);
}

static void give_up(int channel, enum stage stage, const char *detail) {
  struct message message = {.stage = stage, .code = errno};
  snprintf(message.detail, sizeof message.detail, "%s", detail);
  send_message(channel, &message, -1);
  _exit(127);
}

// The step: gives up what it must not have and becomes its program. Never returns.
static void become_step(const struct plan *plan, int channel) {
  for (int number = 1; number < NSIG; number++) {
    if (number != SIGKILL && number != SIGSTOP) signal(number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); // the watcher attaches to it, and reads the path of the program from here
  if (chdir(plan->folder) < 0) give_up(channel, STAGE_FOLDER, plan->folder);
  // The plan and the report are Rung's. The channel closes by itself when the program starts.
  syscall(SYS_close_range, PLAN_FILE, channel - 1, 0);
  syscall(SYS_close_range, channel + 1, ~0u, 0);
  if (plan->recorder == RECORD_BY_PTRACE) {
    struct message go;
    if (receive_message(channel, &go, NULL) <= 0) _exit(127);
  }
  const char *detail = "";
  if (!limit_process(plan, &detail)) give_up(channel, STAGE_LIMITS, detail);
  const int listener = install_filter(plan->recorder, plan->refuse_network, vary_listings(plan));
  if (listener < 0) give_up(channel, STAGE_RECORDER, "seccomp");
  if (plan->recorder == RECORD_BY_NOTIFY) {
    // From here on path calls wait for the watcher.
    if (send_message(channel, &(struct message){0}, listener) < 0) _exit(127);
    close(listener);
  }
  long pause = 500 * 1000;
  for (int attempt = 0; attempt < 9; attempt++) {
    execve(plan->program, plan->arguments, plan->environment);
    if (errno != ETXTBSY) break;
    // Just written, and a process that is being made still holds the descriptor for an instant.
    const struct timespec length = {0, pause};
    nanosleep(&length, NULL);
    pause *= 2;
    errno = ETXTBSY;
  }
  give_up(channel, STAGE_EXEC, plan->program);
}

// The watcher. Its exit status is looked at by nobody: the report tells.
static int watch(const struct plan *plan) {
  const char *detail = "";
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (plan->processes && !mount_processes(plan, &detail)) {
    report_failure(STAGE_VIEW, errno, detail);
    return 1;
  }
  bool left_behind = false;
  const int status = run_watched(plan, become_step, &left_behind);
  if (status < 0) return 1;
  report_end(status, left_behind);
  return 0;
}

static int host(void) {
  struct plan plan;
  if (!read_plan(&plan)) {
    report_failure(STAGE_PLAN, EINVAL, "the plan");
    return 1;
  }
  ignore_signals();
  const char *detail = "";
  vary_processors(&plan);
  const bool apart = plan.mounts && (plan.network || plan.join_network || plan.refuse_network);
  if (apart) find_sockets();
  if (!make_namespaces(&plan, &detail)) {
    report_failure(STAGE_NAMESPACES, errno, detail);
    return 1;
  }
  watch_prepare(&plan);
  if (!make_view(&plan, &detail) || (apart && !cover_sockets(&plan, &detail))) {
    report_failure(STAGE_VIEW, errno, detail);
    return 1;
  }
  // Without a process namespace this process can watch itself.
  if (!plan.processes) return watch(&plan);
  const pid_t watcher = fork();
  if (watcher < 0) {
    report_failure(STAGE_FORK, errno, "a process");
    return 1;
  }
  if (watcher == 0) _exit(watch(&plan));
  int status;
  while (waitpid(watcher, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int count, char **words) {
  if (count == 3 && strcmp(words[1], "probe") == 0) return probe(words[2]);
  if (count >= 2 && strcmp(words[1], "hold") == 0) return hold(count == 3 && strcmp(words[2], "users") == 0);
  if (count != 1 || fcntl(PLAN_FILE, F_GETFD) < 0 || fcntl(REPORT_FILE, F_GETFD) < 0) {
    fputs("rung-step is started by rung, for one step; `rung doctor` tells what it can do here\n", stderr);
    return 2;
  }
  fcntl(PLAN_FILE, F_SETFD, FD_CLOEXEC);
  fcntl(REPORT_FILE, F_SETFD, FD_CLOEXEC);
  return host();
}
