// What the step gives up before its program starts: capabilities, writing outside its folders, new privileges.
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Newer than the headers of Debian 12 (linux/landlock.h, versions 3 to 6).
#define ACCESS_TRUNCATE (1ULL << 14)
#define ACCESS_DEVICE_CONTROL (1ULL << 15)
#define ACCESS_BIND_TCP (1ULL << 0)
#define ACCESS_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)
struct rules {
  uint64_t files, network, scope;
};

int landlock_version(void) {
  const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version < 0 ? 0 : (int)version;
}

static bool fail(const char **detail, const char *what) {
  *detail = what;
  return false;
}

static const uint64_t writing =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
    LANDLOCK_ACCESS_FS_MAKE_SYM;

static bool allow(int rules, const char *path, uint64_t access) {
  const struct landlock_path_beneath_attr rule = {
      .allowed_access = access, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
  if (rule.parent_fd < 0) return errno == ENOENT;
  const bool done = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
  close(rule.parent_fd);
  return done;
}

// Writing is for the plan's folders and a few devices alone. Reading stays free: what is read is the recorder's matter.
static bool lock_writing(const struct plan *plan, const char **detail) {
  const int version = landlock_version();
  struct rules handled = {.files = writing};
  if (version >= 2) handled.files |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) handled.files |= ACCESS_TRUNCATE;
  if (version >= 4 && plan->refuse_network) handled.network = ACCESS_BIND_TCP | ACCESS_CONNECT_TCP;
  if (version >= 6) handled.scope = SCOPE_SIGNAL | (plan->refuse_network ? SCOPE_ABSTRACT_SOCKET : 0);
  const size_t size = version >= 6 ? sizeof handled : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
  const int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
  if (rules < 0) return fail(detail, "landlock_create_ruleset");
  for (size_t i = 0; i < plan->writable_count; i++) {
    if (!allow(rules, plan->writable[i], handled.files)) return fail(detail, plan->writable[i]);
  }
  const uint64_t file = LANDLOCK_ACCESS_FS_WRITE_FILE | (version >= 3 ? ACCESS_TRUNCATE : 0);
  static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/ptmx"};
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
    if (!allow(rules, devices[i], file)) return fail(detail, devices[i]);
  }
  // Shared memory, semaphores and terminals have no private place without a mount namespace. A project that lies there is
  // worth more.
  const bool is_free = plan->project == NULL || strncmp(plan->project, "/dev/shm/", 9) != 0;
  if (is_free && !allow(rules, "/dev/shm", handled.files)) return fail(detail, "/dev/shm");
  if (!allow(rules, "/dev/pts", file)) return fail(detail, "/dev/pts");
  if (syscall(SYS_landlock_restrict_self, rules, 0) < 0) return fail(detail, "landlock_restrict_self");
  close(rules);
  return true;
}

// Root keeps what concerns files and identities, and loses what could change the view, the kernel or other processes. An
// ordinary user loses what it holds in its own user namespace as soon as it executes a program.
static bool drop_capabilities(const char **detail) {
  const uint64_t kept = 1ULL << CAP_CHOWN | 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_FOWNER | 1ULL << CAP_FSETID |
                        1ULL << CAP_KILL | 1ULL << CAP_SETGID | 1ULL << CAP_SETUID;
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) < 0) return fail(detail, "capget");
  if ((data[0].effective & 1u << CAP_SETPCAP) != 0) {
    for (int capability = 0; capability < 64; capability++) {
      if ((kept & 1ULL << capability) == 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
        if (errno == EINVAL) break; // the kernel has no more
        return fail(detail, "a capability");
      }
    }
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int half = 0; half < 2; half++) {
    const uint32_t mask = (uint32_t)(kept >> (32 * half));
    data[half].effective &= mask;
    data[half].permitted &= mask;
    data[half].inheritable = 0;
  }
  return syscall(SYS_capset, &header, data) == 0 || fail(detail, "capset");
}

bool limit_process(const struct plan *plan, const char **detail) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail(detail, "no_new_privs");
  if (plan->landlock && !lock_writing(plan, detail)) return false;
  // Without a view of its own there is nothing that capabilities could undo, and root outside stays root.
  return !plan->mounts || drop_capabilities(detail);
}
