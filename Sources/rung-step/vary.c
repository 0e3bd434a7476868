// What a repetition of a step sees otherwise than the execution before it: what no result may depend on. Nothing here is
// in force unless the plan asks for it, and what this machine cannot do is left out: the report says what was done.
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

void vary_host(const struct plan *plan) {
  if (plan->host == NULL || unshare(CLONE_NEWUTS) < 0 || sethostname(plan->host, strlen(plan->host)) < 0) return;
  report_varied(VARIED_HOST);
}

void vary_processors(const struct plan *plan) {
  cpu_set_t all, some;
  if (plan->processors == 0 || sched_getaffinity(0, sizeof all, &all) < 0) return;
  const unsigned count = (unsigned)CPU_COUNT(&all);
  if (plan->processors >= count) return;
  // Not the same ones for all steps that run at once.
  unsigned skip = (unsigned)getpid() % count, left = plan->processors;
  CPU_ZERO(&some);
  for (int turn = 0; turn < 2; turn++) {
    for (int i = 0; i < CPU_SETSIZE && left > 0; i++) {
      if (!CPU_ISSET(i, &all) || CPU_ISSET(i, &some)) continue;
      if (skip > 0) {
        skip--;
        continue;
      }
      CPU_SET(i, &some);
      left--;
    }
  }
  if (sched_setaffinity(0, sizeof some, &some) == 0) report_varied(VARIED_PROCESSORS);
}

void vary_processes(const struct plan *plan) {
  if (plan->last_process == 0) return;
  char text[16];
  const int length = snprintf(text, sizeof text, "%u", plan->last_process);
  const int file = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  const bool written = file >= 0 && write(file, text, (size_t)length) == length;
  if (file >= 0) close(file);
  // Without it numbers are used up, a few of them.
  for (unsigned i = 0; !written && i < 3 + plan->last_process % 61; i++) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  }
  report_varied(VARIED_PROCESSES);
}

// ---- listings

bool vary_listings(const struct plan *plan) {
  if (plan->listings == NULL || plan->recorder != RECORD_BY_NOTIFY) return false;
  // Asked with descriptors that there cannot be: what matters is whether the call exists (Linux 5.6).
  return syscall(SYS_pidfd_getfd, -1, -1, 0) >= 0 || errno != ENOSYS;
}

// As the kernel writes it (getdents64(2)).
struct record {
  uint64_t inode, next;
  uint16_t size;
  unsigned char kind;
  char name[];
};
enum { LARGEST_LISTING = 1 << 20, SHORTEST_RECORD = 24 };

static uint64_t seed;

static uint64_t rank(const struct record *record) {
  uint64_t value = 1469598103934665603u ^ seed;
  for (const char *at = record->name; *at != 0; at++) value = (value ^ (unsigned char)*at) * 1099511628211u;
  // The last bytes have hardly reached the high bits.
  value ^= value >> 31;
  return value * 0x9e3779b97f4a7c15u;
}

static int by_rank(const void *a, const void *b) {
  const uint64_t x = rank(*(struct record *const *)a), y = rank(*(struct record *const *)b);
  return x < y ? -1 : x > y;
}

// Writes the records of `from` to `to` in another order. The places in the folder stay where they are: who goes on
// reading goes on behind them all.
static void reorder(const char *from, size_t length, char *to) {
  static const struct record *records[LARGEST_LISTING / SHORTEST_RECORD];
  static uint64_t places[LARGEST_LISTING / SHORTEST_RECORD];
  size_t count = 0;
  for (size_t at = 0; at < length; at += records[count - 1]->size) {
    records[count] = (const struct record *)(from + at);
    places[count] = records[count]->next;
    count++;
  }
  if (seed == 0) {
    for (size_t i = 0; i < count / 2; i++) {
      const struct record *other = records[i];
      records[i] = records[count - 1 - i];
      records[count - 1 - i] = other;
    }
  } else {
    qsort(records, count, sizeof *records, by_rank);
  }
  for (size_t i = 0; i < count; i++) {
    memcpy(to, records[i], records[i]->size);
    ((struct record *)to)->next = places[i];
    to += records[i]->size;
  }
}

// The process that a thread belongs to: only it can be named by a descriptor in all kernels.
static pid_t process_of(pid_t thread) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/status", thread);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  if (length <= 0) return -1;
  text[length] = 0;
  const char *line = strstr(text, "\nTgid:");
  return line == NULL ? -1 : (pid_t)atoi(line + 6);
}

int vary_take_folder(pid_t thread, int descriptor) {
  const int process = (int)syscall(SYS_pidfd_open, process_of(thread), 0);
  if (process < 0) return -1;
  const int folder = (int)syscall(SYS_pidfd_getfd, process, descriptor, 0);
  close(process);
  return folder;
}

long vary_listing(const struct plan *plan, int folder, pid_t thread, uint64_t address, uint64_t room) {
  static _Alignas(struct record) char got[LARGEST_LISTING], turned[LARGEST_LISTING];
  seed = strtoull(plan->listings, NULL, 10);
  const long length = syscall(SYS_getdents64, folder, got, room < sizeof got ? room : sizeof got);
  if (length <= 0) return length < 0 ? -errno : 0;
  reorder(got, (size_t)length, turned);
  const struct iovec local = {turned, (size_t)length};
  const struct iovec remote = {(void *)(uintptr_t)address, (size_t)length};
  return process_vm_writev(thread, &local, 1, &remote, 1, 0) == length ? length : -EFAULT;
}
