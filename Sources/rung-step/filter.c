// Which system calls the watcher is told of. Everything that takes a path is in one table; a call with a higher number
// than any that was known when the table was written is told too, and makes the record incomplete.
//
// Linux system calls up to version 6.17. Architecture: x86-64 (others compile with the calls that they have).
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Numbers that Debian 12's headers do not have; from 403 on they are the same on all architectures.
enum { FCHMODAT2 = 452, SETXATTRAT = 463, GETXATTRAT = 464, LISTXATTRAT = 465, REMOVEXATTRAT = 466, OPEN_TREE_ATTR = 467,
       FILE_GETATTR = 468, FILE_SETATTR = 469 };
const int highest_known_call = FILE_SETATTR;

#if defined(__x86_64__)
#define THIS_MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE AUDIT_ARCH_AARCH64
#else
#error "the table of system calls is written for x86-64 and arm64"
#endif

// Sorted by number at the first use; several rows for a call that takes several paths.
static struct call table[] = {
#ifdef SYS_open
    {SYS_open, CALL_OPEN, -1, 0, 1},
    {SYS_creat, CALL_CREATE, -1, 0, -1},
    {SYS_stat, CALL_LOOK, -1, 0, -1},
    {SYS_lstat, CALL_LOOK_LINK, -1, 0, -1},
    {SYS_access, CALL_LOOK, -1, 0, -1},
    {SYS_readlink, CALL_LOOK_LINK, -1, 0, -1},
    {SYS_rename, CALL_TAKE, -1, 0, -1},
    {SYS_rename, CALL_LOOK_LINK, -1, 1, -1},
    {SYS_link, CALL_TAKE, -1, 0, -1},
    {SYS_link, CALL_LOOK_LINK, -1, 1, -1},
    {SYS_symlink, CALL_LOOK_LINK, -1, 1, -1},
    {SYS_unlink, CALL_LOOK_LINK, -1, 0, -1},
    {SYS_rmdir, CALL_LOOK_LINK, -1, 0, -1},
    {SYS_mkdir, CALL_LOOK_LINK, -1, 0, -1},
    {SYS_mknod, CALL_LOOK_LINK, -1, 0, -1},
    {SYS_chmod, CALL_LOOK, -1, 0, -1},
    {SYS_chown, CALL_LOOK, -1, 0, -1},
    {SYS_lchown, CALL_LOOK_LINK, -1, 0, -1},
    {SYS_utime, CALL_LOOK, -1, 0, -1},
    {SYS_utimes, CALL_LOOK, -1, 0, -1},
    {SYS_futimesat, CALL_LOOK, 0, 1, -1},
    {SYS_uselib, CALL_LOOK, -1, 0, -1},
#endif
    {SYS_openat, CALL_OPEN, 0, 1, 2},
    {SYS_openat2, CALL_OPENAT2, 0, 1, 2},
    {SYS_execve, CALL_EXECUTE, -1, 0, -1},
    {SYS_execveat, CALL_EXECUTE_AT, 0, 1, 4},
    {SYS_newfstatat, CALL_LOOK_AT, 0, 1, 3},
    {SYS_statx, CALL_LOOK_AT, 0, 1, 2},
    {SYS_faccessat, CALL_LOOK, 0, 1, -1},
    {SYS_faccessat2, CALL_LOOK_AT, 0, 1, 3},
    {SYS_readlinkat, CALL_LOOK_LINK, 0, 1, -1},
    {SYS_renameat, CALL_TAKE, 0, 1, -1},
    {SYS_renameat, CALL_LOOK_LINK, 2, 3, -1},
    {SYS_renameat2, CALL_TAKE, 0, 1, -1},
    {SYS_renameat2, CALL_LOOK_LINK, 2, 3, -1},
    {SYS_linkat, CALL_TAKE, 0, 1, 4},
    {SYS_linkat, CALL_LOOK_LINK, 2, 3, -1},
    {SYS_symlinkat, CALL_LOOK_LINK, 1, 2, -1},
    {SYS_unlinkat, CALL_LOOK_LINK, 0, 1, -1},
    {SYS_mkdirat, CALL_LOOK_LINK, 0, 1, -1},
    {SYS_mknodat, CALL_LOOK_LINK, 0, 1, -1},
    {SYS_fchmodat, CALL_LOOK, 0, 1, -1},
    {FCHMODAT2, CALL_LOOK_AT, 0, 1, 3},
    {SYS_fchownat, CALL_LOOK_AT, 0, 1, 4},
    {SYS_utimensat, CALL_LOOK_AT, 0, 1, 3},
    {SYS_truncate, CALL_READ, -1, 0, -1},
    {SYS_chdir, CALL_LOOK, -1, 0, -1},
    {SYS_statfs, CALL_LOOK, -1, 0, -1},
    {SYS_getxattr, CALL_LOOK, -1, 0, -1},
    {SYS_lgetxattr, CALL_LOOK_LINK, -1, 0, -1},
    {SYS_setxattr, CALL_LOOK, -1, 0, -1},
    {SYS_lsetxattr, CALL_LOOK_LINK, -1, 0, -1},
    {SYS_listxattr, CALL_LOOK, -1, 0, -1},
    {SYS_llistxattr, CALL_LOOK_LINK, -1, 0, -1},
    {SYS_removexattr, CALL_LOOK, -1, 0, -1},
    {SYS_lremovexattr, CALL_LOOK_LINK, -1, 0, -1},
    {SETXATTRAT, CALL_LOOK_AT, 0, 1, 2},
    {GETXATTRAT, CALL_LOOK_AT, 0, 1, 2},
    {LISTXATTRAT, CALL_LOOK_AT, 0, 1, 2},
    {REMOVEXATTRAT, CALL_LOOK_AT, 0, 1, 2},
    {FILE_GETATTR, CALL_LOOK_AT, 0, 1, 4},
    {FILE_SETATTR, CALL_LOOK_AT, 0, 1, 4},
    {SYS_name_to_handle_at, CALL_LOOK, 0, 1, -1},
    {SYS_open_by_handle_at, CALL_HANDLE, -1, -1, -1},
    {SYS_inotify_add_watch, CALL_LOOK, -1, 1, -1},
    {SYS_fanotify_mark, CALL_LOOK, 3, 4, -1},
    {SYS_open_tree, CALL_VIEW, -1, -1, -1},
    {OPEN_TREE_ATTR, CALL_VIEW, -1, -1, -1},
    {SYS_move_mount, CALL_VIEW, -1, -1, -1},
    {SYS_mount, CALL_VIEW, -1, -1, -1},
    {SYS_umount2, CALL_VIEW, -1, -1, -1},
    {SYS_fsmount, CALL_VIEW, -1, -1, -1},
    {SYS_pivot_root, CALL_VIEW, -1, -1, -1},
    {SYS_chroot, CALL_VIEW, -1, -1, -1},
    {SYS_setns, CALL_VIEW, -1, -1, -1},
};
enum { ROWS = sizeof table / sizeof *table };

const struct call *calls_of(int number, int *count) {
  static bool sorted;
  if (!sorted) { // insertion sort, stable: the rows of one call stay in their order
    for (int i = 1; i < ROWS; i++) {
      const struct call row = table[i];
      int j = i;
      for (; j > 0 && table[j - 1].number > row.number; j--) table[j] = table[j - 1];
      table[j] = row;
    }
    sorted = true;
  }
  int low = 0, high = ROWS;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (table[middle].number < number) low = middle + 1;
    else high = middle;
  }
  *count = 0;
  while (low + *count < ROWS && table[low + *count].number == number) ++*count;
  return *count > 0 ? &table[low] : NULL;
}

// ---- the filter

static struct sock_filter program[4 * ROWS + 64];
static int length;

static void emit(uint16_t code, uint32_t value, uint8_t yes, uint8_t no) {
  program[length++] = (struct sock_filter){code, yes, no, value};
}
static void load(size_t offset) { emit(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0); }
static void answer(uint32_t action) { emit(BPF_RET | BPF_K, action, 0, 0); }
// When the loaded word is `value`: the next instruction, else the one after it.
static void if_equal(uint32_t value) { emit(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1); }

static size_t argument(int index) {
  return offsetof(struct seccomp_data, args) + (size_t)index * sizeof(uint64_t); // the low half, little-endian
}

// fstat(3) is stat with an empty path: far the most frequent call, and it names no file. The filter cannot see the path,
// but the flag with a descriptor for the folder is used for nothing else (docs/guarantees.md).
static void tell_unless_descriptor(int number, int flags, uint32_t tell) {
  emit(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 6);
  load(argument(flags));
  emit(BPF_JMP | BPF_JSET | BPF_K, AT_EMPTY_PATH, 0, 3);
  load(argument(0));
  emit(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)AT_FDCWD, 1, 0);
  answer(SECCOMP_RET_ALLOW);
  answer(tell);
}

static void write_program(uint32_t tell, bool refuse_network, bool listings) {
  length = 0;
  load(offsetof(struct seccomp_data, arch));
  emit(BPF_JMP | BPF_JEQ | BPF_K, THIS_MACHINE, 1, 0);
  // Where sockets are refused by number, calls with other numbers for them are refused altogether.
  answer(refuse_network ? SECCOMP_RET_ERRNO | ENOSYS : tell);
  load(offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
  emit(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1); // x32: other numbers for the same calls; hardly a kernel has it
  answer(SECCOMP_RET_ERRNO | ENOSYS);
#endif
  if (refuse_network) {
    // Sockets of the machine itself stay: AF_UNIX, and AF_NETLINK, by which programs ask for interfaces.
    emit(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5);
    load(argument(0));
    emit(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 2, 0);
    emit(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 1, 0);
    answer(SECCOMP_RET_ERRNO | EACCES);
    answer(SECCOMP_RET_ALLOW);
  }
  if (tell == 0) {
    answer(SECCOMP_RET_ALLOW);
    return;
  }
  // Files opened through a ring never pass here.
  for (int number = SYS_io_uring_setup; number <= SYS_io_uring_register; number++) {
    if_equal((uint32_t)number);
    answer(SECCOMP_RET_ERRNO | ENOSYS);
  }
  tell_unless_descriptor(SYS_newfstatat, 3, tell);
  tell_unless_descriptor(SYS_statx, 2, tell);
  int last = -1;
  for (int row = 0; row < ROWS; row++) {
    const int number = table[row].number;
    if (number == last || number == SYS_newfstatat || number == SYS_statx) continue;
    last = number;
    if_equal((uint32_t)number);
    answer(tell);
  }
  if (listings) {
    if_equal(SYS_getdents64);
    answer(tell);
  }
  emit(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)highest_known_call, 0, 1);
  answer(tell);
  answer(SECCOMP_RET_ALLOW);
}

int install_filter(enum recorder recorder, bool refuse_network, bool listings) {
  if (recorder == RECORD_NOTHING && !refuse_network) return 0;
  int ignored;
  calls_of(0, &ignored); // sorts the table
  const uint32_t tell = recorder == RECORD_BY_NOTIFY   ? SECCOMP_RET_USER_NOTIF
                        : recorder == RECORD_BY_PTRACE ? SECCOMP_RET_TRACE
                                                       : 0;
  write_program(tell, refuse_network, listings);
  const struct sock_fprog filter = {(unsigned short)length, program};
  if (recorder != RECORD_BY_NOTIFY) return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
  // A signal that comes while the watcher answers must not make the call begin anew, where the kernel can help it.
  const unsigned long killable = 1UL << 5; // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19
  int listener = (int)syscall(
      SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | killable, &filter);
  if (listener < 0 && errno == EINVAL)
    listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  return listener;
}
