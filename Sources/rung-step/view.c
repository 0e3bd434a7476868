// Namespaces and the view: what the step finds where. Everything is done by descriptor (open_tree, move_mount), since a
// bind mount by name makes the kernel and the library look through the whole mount table each time.
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// From linux/mount.h, which cannot stand beside sys/mount.h in every C library.
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#define MOVE_MOUNT_F_EMPTY_PATH 0x4
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#define ATTRIBUTE_READ_ONLY 0x1u
#define ATTRIBUTE_NO_SETUID 0x2u
#define ATTRIBUTE_NO_DEVICES 0x4u
#define CONFIG_SET_STRING 1u
#define CONFIG_CREATE 6u
struct attributes {
  uint64_t set, clear, propagation, user_namespace;
};

static bool fail(const char **detail, const char *what) {
  *detail = what;
  return false;
}

static bool write_text(const char *path, const char *text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool done = write(file, text, strlen(text)) == (ssize_t)strlen(text);
  const int code = errno;
  close(file);
  errno = code;
  return done;
}

bool make_namespaces(const struct plan *plan, const char **detail) {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  // A process may enter a user namespace that its own user has made, and then what belongs to it.
  if (plan->join_users && setns(USERS_FILE, CLONE_NEWUSER) < 0) return fail(detail, "setns");
  if (plan->join_network && setns(NETWORK_FILE, CLONE_NEWNET) < 0) return fail(detail, "setns");
  int flags = 0;
  if (plan->users) flags |= CLONE_NEWUSER;
  if (plan->mounts) flags |= CLONE_NEWNS;
  if (plan->processes) flags |= CLONE_NEWPID;
  if (plan->network) flags |= CLONE_NEWNET;
  if (flags != 0 && unshare(flags) < 0) return fail(detail, "unshare");
  if (plan->users) {
    // The step stays who it was. A process without rights outside may map itself alone, and only after it has given
    // up setgroups (user_namespaces(7)).
    char map[64];
    if (!write_text("/proc/self/setgroups", "deny") && errno != ENOENT) return fail(detail, "/proc/self/setgroups");
    snprintf(map, sizeof map, "%u %u 1", user, user);
    if (!write_text("/proc/self/uid_map", map)) return fail(detail, "/proc/self/uid_map");
    snprintf(map, sizeof map, "%u %u 1", group, group);
    if (!write_text("/proc/self/gid_map", map)) return fail(detail, "/proc/self/gid_map");
  }
  if (plan->network) {
    // Programs talk to themselves through the loopback: it is the step's own.
    const int channel = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
    strcpy(request.ifr_name, "lo");
    if (channel < 0 || ioctl(channel, SIOCSIFFLAGS, &request) < 0) return fail(detail, "the loopback interface");
    close(channel);
  }
  vary_host(plan);
  // Nothing that is mounted here may appear outside.
  if (plan->mounts && mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0) return fail(detail, "/");
  return true;
}

static int clone_tree(const char *path) {
  return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

static bool attach(int file, const char *path) {
  return syscall(SYS_move_mount, file, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

static bool set_attributes(int file, const char *path, uint64_t set, uint64_t clear, int flags) {
  const struct attributes attributes = {.set = set, .clear = clear};
  return syscall(SYS_mount_setattr, file, path, flags, &attributes, sizeof attributes) == 0;
}

static bool configure(int context, unsigned command, const char *key, const char *value) {
  return syscall(SYS_fsconfig, context, command, key, value, 0) == 0;
}

// Opens a folder and names it by descriptor, so that no character of its path can be taken for syntax.
static bool name_by_descriptor(const char *path, char *text, size_t room, int *file) {
  *file = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return *file >= 0 && snprintf(text, room, "/proc/self/fd/%d", *file) < (int)room;
}

// Takes away the mark of an earlier volatile mount, which is there so that nobody takes its layer for sound; ours has been
// emptied. The kernel makes these folders without permissions.
static void sweep_work(const char *work) {
  static const char *const folders[] = {"work", "work/incompat", "work/incompat/volatile"};
  const int folder = open(work, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  int there = 0;
  while (there < 3 && fchmodat(folder, folders[there], 0700, 0) == 0) there++;
  if (there == 3) unlinkat(folder, "work/incompat/volatile/dirty", 0);
  while (there > 0) unlinkat(folder, folders[--there], AT_REMOVEDIR);
  close(folder);
}

// A merged folder: the writable layer above the read-only ones. `userxattr` because a user namespace may not use trusted
// attributes; `volatile` since the layer is thrown away and its unmounting must not wait for the disk.
static int make_overlay(const char *const *lower, size_t count, const char *upper, const char *work) {
  char layers[64 * 40], writable[2][40];
  int files[64], opened = 0, result = -1;
  if (count > 60) return errno = E2BIG, -1;
  char *end = layers;
  for (size_t i = 0; i < count; i++) {
    if (i > 0) *end++ = ':';
    if (!name_by_descriptor(lower[i], end, 40, &files[opened])) goto done;
    opened++;
    end += strlen(end);
  }
  const char *const folders[] = {upper, work};
  for (int i = 0; i < 2 && upper != NULL; i++) {
    if (!name_by_descriptor(folders[i], writable[i], sizeof writable[i], &files[opened])) goto done;
    opened++;
  }
  const int context = (int)syscall(SYS_fsopen, "overlay", 1 /* FSOPEN_CLOEXEC */);
  if (context < 0) goto done;
  bool set = configure(context, CONFIG_SET_STRING, "lowerdir", layers) && configure(context, 0, "userxattr", NULL);
  if (upper != NULL) {
    sweep_work(work);
    set = set && configure(context, CONFIG_SET_STRING, "upperdir", writable[0]) &&
          configure(context, CONFIG_SET_STRING, "workdir", writable[1]) && configure(context, 0, "volatile", NULL);
  }
  if (set && configure(context, CONFIG_CREATE, NULL, NULL))
    result = (int)syscall(SYS_fsmount, context, 1, ATTRIBUTE_NO_SETUID | ATTRIBUTE_NO_DEVICES);
  const int code = errno;
  close(context);
  errno = code;
done:;
  const int reason = errno;
  for (int i = 0; i < opened; i++) close(files[i]);
  errno = reason;
  return result;
}

// The workspace's overlay. By default the cache lies in the project, so that the writable layer would lie in the lowest
// one, which the kernel refuses. It does not mind when that one is an overlay itself; such an overlay without a writable
// layer wants two folders, and the second is empty.
static int make_workspace(const struct mount_step *step) {
  if (step->empty == NULL) return make_overlay(step->items, step->count, step->source, step->work);
  if (step->count == 0 || mount("tmpfs", step->empty, "tmpfs", MS_RDONLY, "size=4k") < 0) return -1;
  const char *const base[] = {step->items[step->count - 1], step->empty};
  const int inner = make_overlay(base, 2, NULL, NULL);
  if (inner < 0 || !attach(inner, step->empty)) return -1;
  close(inner);
  step->items[step->count - 1] = step->empty;
  return make_overlay(step->items, step->count, step->source, step->work);
}

// The folder (or file) that a mount goes to; made where it is missing, which works only in what was covered.
static void make_place(const char *path, bool folder) {
  struct stat status;
  if (lstat(path, &status) == 0) return;
  char copy[LONGEST_PATH];
  if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) return;
  for (char *at = copy + 1; (at = strchr(at, '/')) != NULL; at++) {
    *at = 0;
    mkdir(copy, 0755);
    *at = '/';
  }
  if (folder) mkdir(copy, 0755);
  else close(open(copy, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
}

static bool is_folder(int file) {
  struct stat status;
  return fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
}

// Nodes that every program expects, links to its own descriptors, and what the plan names (GPUs).
static bool make_devices(const struct mount_step *step) {
  static const char *const standard[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
  const size_t fixed = sizeof standard / sizeof *standard;
  const size_t count = fixed + step->count;
  int *files = calloc(count, sizeof *files);
  bool done = files != NULL;
  for (size_t i = 0; done && i < count; i++) {
    const char *path = i < fixed ? standard[i] : step->items[i - fixed];
    files[i] = clone_tree(path); // what this machine lacks, a step lacks too
  }
  done = done && mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=1m") == 0;
  for (size_t i = 0; done && i < count; i++) {
    if (files[i] < 0) continue;
    const char *path = i < fixed ? standard[i] : step->items[i - fixed];
    make_place(path, is_folder(files[i]));
    done = attach(files[i], path);
    close(files[i]);
  }
  if (!done) return false;
  static const char *const links[][2] = {
      {"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"}, {"/proc/self/fd/1", "/dev/stdout"},
      {"/proc/self/fd/2", "/dev/stderr"}, {"pts/ptmx", "/dev/ptmx"}};
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    if (symlink(links[i][0], links[i][1]) < 0) return false;
  }
  mkdir("/dev/shm", 0755);
  mkdir("/dev/pts", 0755);
  // Shared memory is memory: as much as the step likes. Terminals are its own; without them it lacks only those.
  if (mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0) return false;
  mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620");
  return set_attributes(AT_FDCWD, "/dev", ATTRIBUTE_READ_ONLY, 0, 0);
}

bool make_view(struct plan *plan, const char **detail) {
  if (!plan->mounts) return true;
  // Everything that is to appear is taken hold of before anything is hidden or made read-only.
  for (size_t i = 0; i < plan->step_count; i++) {
    struct mount_step *step = &plan->steps[i];
    if (step->kind == MOUNT_BIND) {
      if ((step->file = clone_tree(step->source)) < 0) return fail(detail, step->source);
      const uint64_t lock = ATTRIBUTE_NO_SETUID | ATTRIBUTE_NO_DEVICES;
      const bool set = step->writable ? set_attributes(step->file, "", lock, 0, AT_EMPTY_PATH | AT_RECURSIVE)
                                      : set_attributes(step->file, "", ATTRIBUTE_READ_ONLY, 0, AT_EMPTY_PATH | AT_RECURSIVE);
      if (!set) return fail(detail, step->source);
    } else if (step->kind == MOUNT_OVERLAY) {
      if ((step->file = make_workspace(step)) < 0) return fail(detail, step->place);
    }
  }
  if (!set_attributes(AT_FDCWD, "/", ATTRIBUTE_READ_ONLY, 0, AT_RECURSIVE)) return fail(detail, "/");
  for (size_t i = 0; i < plan->step_count; i++) {
    struct mount_step *step = &plan->steps[i];
    switch (step->kind) {
    case MOUNT_COVER:
      if (mount("tmpfs", step->place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=4m") < 0)
        return fail(detail, step->place);
      break;
    case MOUNT_DEVICES:
      if (!make_devices(step)) return fail(detail, step->place);
      break;
    case MOUNT_BIND:
    case MOUNT_OVERLAY:
      make_place(step->place, is_folder(step->file));
      if (!attach(step->file, step->place)) return fail(detail, step->place);
      close(step->file);
      step->file = -1;
    }
  }
  // What was covered stays as it is now.
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct mount_step *step = &plan->steps[i];
    if (step->kind == MOUNT_COVER && !set_attributes(AT_FDCWD, step->place, ATTRIBUTE_READ_ONLY, 0, 0))
      return fail(detail, step->place);
  }
  return true;
}

bool mount_processes(const struct plan *plan, const char **detail) {
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) return fail(detail, "/proc");
  vary_processes(plan);
  if (geteuid() != 0) return true;
  // Root owns the kernel's settings, and owners need no capability to write a file.
  static const char *const settings[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"};
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    const int file = clone_tree(settings[i]);
    if (file < 0) {
      if (errno == ENOENT) continue;
      return fail(detail, settings[i]);
    }
    if (!set_attributes(file, "", ATTRIBUTE_READ_ONLY, 0, AT_EMPTY_PATH) || !attach(file, settings[i]))
      return fail(detail, settings[i]);
    close(file);
  }
  return true;
}
