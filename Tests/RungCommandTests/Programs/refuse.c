// refuse THING... -- PROGRAM ARGUMENT...: runs a program to which the kernel refuses things that a stricter host, a
// container or an older kernel would refuse it, and all that it starts.
//
//   namespaces  unshare and clone with any CLONE_NEW flag, setns, mount and its relatives: EPERM; clone3: ENOSYS
//   users       the same for user namespaces alone
//   notify      seccomp filters that have a listener: EPERM
//   ptrace      EPERM
//   filters     seccomp filters of any kind: EPERM
//   landlock    ENOSYS
//
// Compiled by the tests: cc -O1 -o refuse refuse.c
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE AUDIT_ARCH_AARCH64
#else
#error "written for x86-64 and arm64"
#endif

static struct sock_filter program[256];
static unsigned short length;

static void emit(uint16_t code, uint32_t value, uint8_t yes, uint8_t no) {
  program[length++] = (struct sock_filter){code, yes, no, value};
}

static void load(size_t offset) { emit(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0); }

// A call is refused.
static void refuse(long number, int code) {
  emit(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
  emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)code, 0, 0);
}

// A call is refused when an argument has one of these bits.
static void refuse_bits(long number, int argument, uint32_t bits, int code) {
  emit(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 4);
  load(offsetof(struct seccomp_data, args) + (size_t)argument * sizeof(uint64_t)); // the low half, little-endian
  emit(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
  emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)code, 0, 0);
  emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static int add(const char *thing) {
  const uint32_t all = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                       CLONE_NEWNET;
  if (strcmp(thing, "namespaces") == 0 || strcmp(thing, "users") == 0) {
    const uint32_t flags = thing[0] == 'u' ? (uint32_t)CLONE_NEWUSER : all;
    refuse(SYS_clone3, ENOSYS); // its flags are behind a pointer; libraries take clone then
    if (flags == all) {
      static const int others[] = {SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_open_tree, SYS_move_mount,
                                   SYS_fsopen, SYS_fsmount};
      for (size_t i = 0; i < sizeof others / sizeof *others; i++) refuse(others[i], EPERM);
    }
    refuse_bits(SYS_unshare, 0, flags, EPERM);
    refuse_bits(SYS_clone, 0, flags, EPERM);
  } else if (strcmp(thing, "notify") == 0) {
    refuse_bits(SYS_seccomp, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER, EPERM);
  } else if (strcmp(thing, "filters") == 0) {
    refuse(SYS_seccomp, EPERM);
  } else if (strcmp(thing, "ptrace") == 0) {
    refuse(SYS_ptrace, EPERM);
  } else if (strcmp(thing, "landlock") == 0) {
    for (int number = 444; number <= 446; number++) refuse(number, ENOSYS);
  } else {
    return 0;
  }
  return 1;
}

// Each thing is a filter of its own, so that what one lets through another can still refuse.
static int install(const char *thing) {
  length = 0;
  load(offsetof(struct seccomp_data, arch));
  emit(BPF_JMP | BPF_JEQ | BPF_K, THIS_MACHINE, 1, 0);
  // Calls of 32-bit programs are a way around a filter, but for the one that is there to make Rung use ptrace.
  emit(BPF_RET | BPF_K, strcmp(thing, "notify") == 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
  load(offsetof(struct seccomp_data, nr));
  if (!add(thing)) {
    fprintf(stderr, "refuse: '%s' is nothing that can be refused\n", thing);
    return 0;
  }
  emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
  const struct sock_fprog filter = {length, program};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0) return 1;
  perror("refuse: seccomp");
  return 0;
}

int main(int count, char **words) {
  int first = 1, filters = 0;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return perror("refuse: no_new_privs"), 125;
  for (; first < count && strcmp(words[first], "--") != 0; first++) {
    if (strcmp(words[first], "filters") == 0) filters = 1; // last: it would refuse the others
    else if (!install(words[first])) return 125;
  }
  if (filters && !install("filters")) return 125;
  if (first + 1 >= count) return fputs("usage: refuse THING... -- PROGRAM ARGUMENT...\n", stderr), 125;
  execvp(words[first + 1], words + first + 1);
  perror(words[first + 1]);
  return 127;
}
