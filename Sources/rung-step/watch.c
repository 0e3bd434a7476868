// What a path call means: which file it reaches, through which links, and how the step uses it.
//
// The watcher looks at the file itself, in the same view, just before the kernel carries out the call, and lets the call
// go on unchanged. So the kernel's answer is never touched; a thread that changes the path in that instant could deceive
// the record (seccomp_unotify(2)), which is a record and no guard: what must not be read is not in the view.
#define _GNU_SOURCE
#include "step.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static const struct plan *plan;
static int project = -1;  // the project's folder
static int64_t started;   // by the clock of the file systems

static int64_t nanoseconds(struct timespec time) { return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec; }

void watch_prepare(struct plan *given) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  started = nanoseconds(now);
  given->shadow_files = calloc(given->shadow_count + 1, sizeof(int));
  if (given->shadow_files == NULL) abort();
  for (size_t i = 0; i < given->shadow_count; i++)
    given->shadow_files[i] = open(given->shadows[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void watch_start(const struct plan *given) {
  plan = given;
  if (plan->project != NULL && !plan->strict) project = open(plan->project, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

// ---- memory of the step

// Copies a text that ends with NUL, a page at a time: what follows it may not be mapped. False when it cannot be read.
static bool read_text(pid_t thread, uint64_t address, char *text, size_t room) {
  size_t got = 0;
  while (got < room) {
    size_t part = 4096 - ((address + got) & 4095);
    if (part > room - got) part = room - got;
    const struct iovec local = {text + got, part};
    const struct iovec remote = {(void *)(uintptr_t)(address + got), part};
    const ssize_t count = process_vm_readv(thread, &local, 1, &remote, 1, 0);
    if (count <= 0) return false;
    if (memchr(text + got, 0, (size_t)count) != NULL) return true;
    got += (size_t)count;
  }
  errno = ENAMETOOLONG;
  return false;
}

static bool read_word(pid_t thread, uint64_t address, uint64_t *value) {
  const struct iovec local = {value, sizeof *value};
  const struct iovec remote = {(void *)(uintptr_t)address, sizeof *value};
  return process_vm_readv(thread, &local, 1, &remote, 1, 0) == sizeof *value;
}

// ---- names

static bool has_prefix(const char *path, const char *prefix, const char **rest) {
  const size_t length = strlen(prefix);
  if (strncmp(path, prefix, length) != 0 || (path[length] != '/' && path[length] != 0)) return false;
  *rest = path[length] == '/' ? path + length + 1 : path + length;
  return true;
}

// Takes out what changes nothing: "//", "/./" and slashes at the end. ".." stays: behind a link it is not the parent.
static void clean(char *path) {
  char *to = path;
  for (const char *from = path; *from != 0;) {
    if (from[0] == '/' && (from[1] == '/' || from[1] == 0) && to != path) {
      from++;
    } else if (from[0] == '/' && from[1] == '.' && (from[2] == '/' || from[2] == 0)) {
      from += 2;
    } else if (from[0] == '/' && from[1] == '/') {
      from++;
    } else {
      *to++ = *from++;
    }
  }
  if (to == path) *to++ = '/';
  *to = 0;
}

static bool link_text(const char *path, char *text, size_t room) {
  const ssize_t length = readlink(path, text, room - 1);
  if (length < 0) return false;
  text[length] = 0;
  return true;
}

// The absolute name of what a call means by a folder and a path. False when the folder cannot be known.
static bool absolute(pid_t thread, int folder, const char *path, char *out, size_t room) {
  char base[LONGEST_PATH], link[64];
  if (path[0] == '/') {
    if (snprintf(out, room, "%s", path) >= (int)room) return false;
  } else {
    if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/%d/cwd", thread);
    else snprintf(link, sizeof link, "/proc/%d/fd/%d", thread, folder);
    if (!link_text(link, base, sizeof base) || base[0] != '/') return false;
    if (snprintf(out, room, "%s/%s", base, path) >= (int)room) return false;
  }
  clean(out);
  return true;
}

// Names that the kernel resolves for the asking process are written for the one that asks. False for all others.
static bool name_thread(pid_t thread, char *path, size_t room) {
  const char *rest;
  if (!has_prefix(path, "/proc/self", &rest) && !has_prefix(path, "/proc/thread-self", &rest)) return false;
  char copy[LONGEST_PATH];
  snprintf(copy, sizeof copy, "%s", rest);
  return snprintf(path, room, "/proc/%d%s%s", thread, copy[0] == 0 ? "" : "/", copy) < (int)room;
}

// ---- places

enum scope { NOBODYS, OUTSIDE, INSIDE };

static bool is_in(const char *path, const char *const *folders, size_t count) {
  const char *rest;
  for (size_t i = 0; i < count; i++) {
    if (has_prefix(path, folders[i], &rest)) return true;
  }
  return false;
}

// Whether something of the step's own, or a staged copy, stands at a place of the workspace: then the project is not
// asked. Folders do not count, since those of all layers are one.
static bool is_shadowed(const char *path) {
  struct stat status;
  // The first layer is what the step writes; it has mere mount points where the project's own files are mounted.
  for (size_t i = is_in(path, plan->placed, plan->placed_count) ? 1 : 0; i < plan->shadow_count; i++) {
    const int folder = plan->shadow_files[i];
    if (folder < 0 || fstatat(folder, path[0] == 0 ? "." : path, &status, AT_SYMLINK_NOFOLLOW) < 0) continue;
    if (S_ISDIR(status.st_mode)) continue;
    char target[LONGEST_PATH];
    const char *inside;
    // Where there is no overlay, the project's files are links in the workspace: they are the project itself.
    const ssize_t length = S_ISLNK(status.st_mode) ? readlinkat(folder, path, target, sizeof target - 1) : -1;
    target[length > 0 ? length : 0] = 0;
    if (length > 0 && has_prefix(target, plan->project, &inside) && strcmp(inside, path) == 0) continue;
    return true;
  }
  return false;
}

// Whether a path outside the project is of no interest: the kernel's own, the step's temporary files. What was brought
// into such a folder from outside is.
static bool is_skipped(const char *path) {
  return is_in(path, plan->skipped, plan->skipped_count) && !is_in(path, plan->exposed, plan->exposed_count);
}

static bool is_ignored(const char *inside) { return is_in(inside, plan->ignored, plan->ignored_count); }

// Whose file a real path is. For the project's the path from its root; `staged` when a declared input or the step's own
// file stands there.
static enum scope place(const char *path, const char **inside, bool *staged) {
  const char *rest;
  *staged = false;
  if (plan->workspace != NULL && has_prefix(path, plan->workspace, &rest)) {
    // What Rung has put there for the step: inputs from other steps, the home folder.
    if (strncmp(rest, ".rung", 5) == 0 && (rest[5] == 0 || rest[5] == '/')) return NOBODYS;
    if (is_ignored(rest)) return NOBODYS;
    *inside = rest;
    *staged = is_shadowed(rest);
    return INSIDE;
  }
  if (plan->project != NULL && has_prefix(path, plan->project, &rest)) {
    if (is_ignored(rest)) return NOBODYS;
    *inside = rest;
    return INSIDE;
  }
  return is_skipped(path) ? NOBODYS : OUTSIDE;
}

// ---- the record

static void fill(struct entry *entry, const struct stat *status) {
  entry->mode = status->st_mode;
  entry->device = status->st_dev;
  entry->inode = status->st_ino;
  entry->size = (uint64_t)status->st_size;
  entry->modified = nanoseconds(status->st_mtim);
  entry->changed = nanoseconds(status->st_ctim);
}

// The names in a folder as they are now.
static void keep_names(struct entry *entry, int folder, const char *path) {
  const int file = openat(folder, path[0] == 0 ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = file < 0 ? NULL : fdopendir(file);
  if (stream == NULL) {
    if (file >= 0) close(file);
    return;
  }
  size_t room = 0, length = 0;
  char *names = NULL;
  for (const struct dirent *item; (item = readdir(stream)) != NULL;) {
    if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
    const size_t size = strlen(item->d_name) + 1;
    if (length + size > room) {
      room = (length + size) * 2;
      if ((names = realloc(names, room)) == NULL) abort();
    }
    memcpy(names + length, item->d_name, size);
    length += size;
  }
  closedir(stream);
  entry->names = names;
  entry->names_length = (uint32_t)length;
}

static bool in_bytecode_folder(const char *path) {
  for (const char *at = path; (at = strstr(at, "__pycache__")) != NULL; at++) {
    if ((at == path || at[-1] == '/') && (at[11] == 0 || at[11] == '/')) return true;
  }
  return false;
}

// Notes a use of a real path (or of a path where nothing is). Returns an errno when the call is to be refused.
static int note(const char *path, const struct stat *status, unsigned uses) {
  const char *inside;
  bool staged, made;
  switch (place(path, &inside, &staged)) {
  case NOBODYS: return 0;
  case OUTSIDE: {
    struct entry *entry = report_entry(path, 0, &made);
    if (made && status != NULL) fill(entry, status);
    entry->uses |= uses;
    return 0;
  }
  case INSIDE: break;
  }
  if (staged) return 0;
  // Python's bytecode is made from sources that are recorded, and stale bytecode is a classic: the project's is not
  // there for a step.
  if (in_bytecode_folder(inside)) return status == NULL ? 0 : ENOENT;
  if (plan->strict) {
    // Only what is not there is of interest, and the folders in which something may have been looked for.
    if (status != NULL && (uses & (LISTED | IMPORTED)) == 0) return 0;
    struct entry *entry = report_entry(inside, IN_PROJECT | STAGED, &made);
    if (made && status != NULL) fill(entry, status);
    entry->uses |= uses;
    return 0;
  }
  struct stat own;
  // Below the step's own changes lies the project, which is what counts.
  const bool there = project >= 0 && fstatat(project, inside[0] == 0 ? "." : inside, &own, AT_SYMLINK_NOFOLLOW) == 0;
  // Where there are no mounts, the step may have removed what was put in place for it.
  const char *rest;
  if (status == NULL && there && !plan->mounts && has_prefix(path, plan->workspace, &rest) &&
      nanoseconds(own.st_ctim) < started)
    return 0;
  struct entry *entry = report_entry(inside, IN_PROJECT, &made);
  if (made && there) fill(entry, &own);
  // It came to be in the project after the view was made.
  if (status == NULL && entry->mode != 0) entry->flags |= CHANGED;
  if ((uses & (LISTED | IMPORTED)) != 0 && entry->names == NULL && S_ISDIR(entry->mode)) keep_names(entry, project, inside);
  entry->uses |= uses;
  return 0;
}

static void note_link(const char *path, const char *target) {
  const char *inside = path;
  bool staged, made;
  const enum scope scope = place(path, &inside, &staged);
  if (scope == NOBODYS || staged || (scope == INSIDE && plan->strict)) return;
  if (scope == INSIDE && plan->workspace != NULL) {
    // A link in the workspace itself is the step's own or Rung's; the project's is read below it.
    const char *rest;
    struct stat own;
    if (has_prefix(path, plan->workspace, &rest) &&
        (project < 0 || fstatat(project, inside, &own, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(own.st_mode)))
      return;
  }
  struct entry *entry = report_entry(inside, scope == INSIDE ? IN_PROJECT : 0, &made);
  entry->uses |= LOOKED;
  if (!made) return;
  entry->mode = S_IFLNK;
  entry->names = strdup(target);
  entry->names_length = (uint32_t)strlen(target);
}

// Follows an absolute path by hand and notes every symbolic link on the way; the last component counts only when it is
// followed. `out` is where it leads: the real name up to where nothing is, and what is left of the path.
//
// False when it leads to what /proc shows each process of itself: then `out` is the same path for the process that asks.
static bool follow_links(pid_t thread, const char *path, bool follow, char *out, size_t room) {
  char rest[2 * LONGEST_PATH], done[LONGEST_PATH], target[LONGEST_PATH];
  snprintf(rest, sizeof rest, "%s", path);
  done[0] = 0;
  char *at = rest;
  for (int links = 0; links < 40;) {
    while (*at == '/') at++;
    if (*at == 0) break;
    char *end = strchr(at, '/');
    const size_t size = end == NULL ? strlen(at) : (size_t)(end - at);
    const size_t length = strlen(done);
    if (size == 1 && at[0] == '.') {
      at += size;
      continue;
    }
    if (size == 2 && at[0] == '.' && at[1] == '.') {
      char *slash = strrchr(done, '/');
      if (slash != NULL) *slash = 0;
      at += size;
      continue;
    }
    if (length + size + 2 > sizeof done) break;
    done[length] = '/';
    memcpy(done + length + 1, at, size);
    done[length + 1 + size] = 0;
    const bool last = at[size] == 0;
    at += size;
    if (name_thread(thread, done, sizeof done)) {
      if (snprintf(out, room, "%s%s", done, at) >= (int)room) out[0] = 0;
      return false;
    }
    if ((last && !follow) || !link_text(done, target, sizeof target)) continue;
    if (strncmp(done, "/proc/", 6) != 0) {
      note_link(done, target);
    } else if (target[0] != '/' && strchr(target, ':') != NULL) {
      out[0] = 0; // a pipe, a socket
      return true;
    }
    links++;
    char next[2 * LONGEST_PATH];
    if (snprintf(next, sizeof next, "%s%s", target, at) >= (int)sizeof next) break;
    memcpy(rest, next, strlen(next) + 1);
    at = rest;
    if (target[0] == '/') done[0] = 0;
    else done[length] = 0;
  }
  if (snprintf(out, room, "%s%s", done[0] == 0 && *at == 0 ? "/" : done, at) >= (int)room) out[0] = 0;
  return true;
}

// ---- reaching

// Where a path really leads. False when nothing is there: then errno says why.
static bool reach(const char *path, bool follow, char *real, size_t room, struct stat *status) {
  const int file = open(path, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
  if (file < 0) return false;
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const bool known = fstat(file, status) == 0 && link_text(link, real, room);
  close(file);
  if (!known) errno = EACCES;
  return known;
}

// The same, with a note of every link on the way. Where nothing is, `real` is where it would be; empty for what is no
// path. `path` is rewritten for what each process sees of itself.
static bool find(pid_t thread, char *path, size_t room, bool follow, char real[LONGEST_PATH], struct stat *status) {
  name_thread(thread, path, room);
  for (int turn = 0; turn < 40; turn++) {
    const bool found = reach(path, follow, real, LONGEST_PATH, status);
    const int code = errno;
    if (found && strcmp(real, path) == 0) return true;
    char where[LONGEST_PATH];
    if (follow_links(thread, path, follow, where, sizeof where)) {
      if (!found) memcpy(real, where, strlen(where) + 1);
      errno = code;
      return found;
    }
    if (snprintf(path, room, "%s", where) >= (int)room) break;
  }
  errno = ELOOP;
  return false;
}

static void note_program(pid_t thread, const char *path, int depth);

// Notes a call on an absolute path. Returns an errno for a call that is to be refused.
static int use(pid_t thread, char *path, bool follow, unsigned uses) {
  // A path below folders that the step cannot write to always means the same: the second time says nothing new.
  char memory[LONGEST_PATH + 8];
  const char *rest;
  // Asked for and then opened, by one name: what Python's imports do with a folder.
  const bool again = (uses & READ) != 0 && python_looked_last(thread, path);
  python_looked(thread, (uses & READ) != 0 ? "" : path);
  const bool own = plan->workspace != NULL && has_prefix(path, plan->workspace, &rest);
  const bool fixed = !own && !again && strstr(path, "/..") == NULL &&
                     ((plan->project != NULL && has_prefix(path, plan->project, &rest)) || !is_skipped(path));
  if (fixed) {
    snprintf(memory, sizeof memory, "%c%c%s", 'A' + (int)uses, follow ? '+' : '-', path);
    if (report_seen(memory)) return 0;
  }
  char real[LONGEST_PATH];
  struct stat status;
  const bool found = find(thread, path, LONGEST_PATH, follow, real, &status);
  if (!found && (errno == ENAMETOOLONG || errno == ELOOP)) return 0; // only the links on the way could change that
  if (real[0] != '/') return 0;                                     // a pipe, a socket
  if (found && status.st_nlink == 0) return 0;                       // a file without a name: the step's own
  // A link may lead to where the step does write.
  if (fixed && ((plan->project != NULL && has_prefix(real, plan->project, &rest)) || !is_skipped(real)) &&
      (plan->workspace == NULL || !has_prefix(real, plan->workspace, &rest)))
    report_remember(memory);
  if (found && S_ISDIR(status.st_mode)) {
    // Opened for reading, a folder is listed.
    const bool lists = (uses & READ) != 0;
    uses = LOOKED;
    if (lists) uses |= again && python_imports(thread, real) ? IMPORTED : LISTED;
  } else {
    uses &= ~(unsigned)LISTED;
  }
  if (found && S_ISLNK(status.st_mode)) {
    char target[LONGEST_PATH];
    if (link_text(real, target, sizeof target)) note_link(real, target);
    return 0;
  }
  const int refused = note(real, found ? &status : NULL, uses);
  if (refused == 0 && found && (uses & EXECUTED) != 0) note_program(thread, real, 0);
  return refused;
}

// What the kernel itself reads to start a program: the interpreter of a script, the loader of a dynamic program.
static void note_program(pid_t thread, const char *path, int depth) {
  char head[256] = {0}, name[LONGEST_PATH], full[LONGEST_PATH];
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0 || depth > 5) {
    if (file >= 0) close(file);
    return;
  }
  const ssize_t count = pread(file, head, sizeof head - 1, 0);
  name[0] = 0;
  if (count > 2 && head[0] == '#' && head[1] == '!') {
    head[strcspn(head, "\n")] = 0;
    const char *start = head + 2 + strspn(head + 2, " \t");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(start, " \t"), start);
  } else if (count >= (ssize_t)sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0 && head[EI_CLASS] == ELFCLASS64) {
    Elf64_Ehdr elf;
    memcpy(&elf, head, sizeof elf);
    for (int i = 0; i < elf.e_phnum && i < 256; i++) {
      Elf64_Phdr part;
      if (pread(file, &part, sizeof part, (off_t)(elf.e_phoff + (uint64_t)i * elf.e_phentsize)) != sizeof part) break;
      if (part.p_type != PT_INTERP || part.p_filesz >= sizeof name) continue;
      if (pread(file, name, part.p_filesz, (off_t)part.p_offset) == (ssize_t)part.p_filesz) name[part.p_filesz] = 0;
      else name[0] = 0;
      break;
    }
  }
  close(file);
  if (name[0] == 0 || !absolute(thread, AT_FDCWD, name, full, sizeof full)) return;
  char real[LONGEST_PATH];
  struct stat status;
  const bool found = find(thread, full, sizeof full, true, real, &status);
  if (real[0] != '/') return;
  note(real, found ? &status : NULL, LOOKED | READ | EXECUTED);
  if (found) note_program(thread, real, depth + 1);
}

// ---- calls

static unsigned uses_of_open(uint64_t flags) {
  if ((flags & O_PATH) != 0) return LOOKED;
  // What a file held does not matter to one who empties it, nor whether it was there to one who makes it.
  if ((flags & O_ACCMODE) != O_RDONLY && (flags & O_TRUNC) != 0)
    return (flags & O_CREAT) != 0 && (flags & O_EXCL) == 0 ? 0 : LOOKED;
  return LOOKED | READ;
}

static int watch_path(pid_t thread, const struct call *call, const uint64_t arguments[6]) {
  const uint64_t address = arguments[(int)call->path];
  if (address == 0) return 0; // some calls take NULL for "the descriptor itself"
  char path[LONGEST_PATH], full[LONGEST_PATH];
  if (!read_text(thread, address, path, sizeof path)) {
    // The kernel will refuse such a call too, or the process has just been killed.
    if (errno != EFAULT && errno != ENAMETOOLONG && errno != ESRCH)
      report_problem("a path could not be read from the step's memory");
    return 0;
  }
  const int folder = call->folder < 0 ? AT_FDCWD : (int)arguments[(int)call->folder];
  if (path[0] == 0) {
    // The descriptor itself, which was opened and noted, but perhaps not as a program; else an error.
    if (call->kind != CALL_EXECUTE_AT) return 0;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", thread, folder);
  }
  uint64_t how[3] = {0}; // of openat2: flags, mode, how to resolve
  if (call->kind == CALL_OPENAT2) {
    for (int i = 0; i < 3; i++) {
      if (!read_word(thread, arguments[(int)call->flags] + 8 * (uint64_t)i, &how[i])) return 0;
    }
    if ((how[2] & RESOLVE_IN_ROOT) != 0) {
      report_problem("a program opened a file below a root of its own (openat2 with RESOLVE_IN_ROOT)");
      memmove(path, path + strspn(path, "/"), strlen(path + strspn(path, "/")) + 1);
      if (path[0] == 0) strcpy(path, ".");
    }
  }
  // Behind a slash a link is followed by all calls.
  const size_t length = strlen(path);
  const bool open_end = path[length - 1] == '/' || (length > 1 && strcmp(path + length - 2, "/.") == 0);
  if (!absolute(thread, folder, path, full, sizeof full)) return 0; // a bad descriptor, or too long: an error
  const uint64_t flags = call->flags < 0 ? 0 : arguments[(int)call->flags];
  bool follow = true;
  unsigned uses = LOOKED;
  switch (call->kind) {
  case CALL_OPENAT2:
    follow = (how[0] & O_NOFOLLOW) == 0;
    uses = uses_of_open(how[0]);
    break;
  case CALL_OPEN:
    follow = (flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    uses = uses_of_open(flags);
    break;
  case CALL_CREATE: return 0;
  case CALL_LOOK: break;
  case CALL_LOOK_AT: follow = (flags & AT_SYMLINK_NOFOLLOW) == 0; break;
  case CALL_LOOK_LINK: follow = false; break;
  case CALL_TAKE:
    follow = call->flags >= 0 && (flags & AT_SYMLINK_FOLLOW) != 0;
    uses = LOOKED | READ;
    break;
  case CALL_READ: uses = LOOKED | READ; break;
  case CALL_EXECUTE: uses = LOOKED | READ | EXECUTED; break;
  case CALL_EXECUTE_AT:
    follow = (flags & AT_SYMLINK_NOFOLLOW) == 0;
    uses = LOOKED | READ | EXECUTED;
    break;
  case CALL_VIEW:
  case CALL_HANDLE: return 0;
  }
  return uses == 0 ? 0 : use(thread, full, follow || open_end, uses);
}

int watch_call(pid_t thread, int number, const uint64_t arguments[6], bool foreign) {
  char text[96];
  if (foreign) {
    report_problem("a program made system calls of another machine (32 bits), which are not watched");
    return 0;
  }
  int count;
  const struct call *calls = calls_of(number, &count);
  if (calls == NULL) {
    snprintf(text, sizeof text, "system call %d is not known to this version of Rung", number);
    report_problem(text);
    return 0;
  }
  if (calls[0].kind == CALL_VIEW) {
    report_problem("a program changed what its paths mean (mount, chroot or setns)");
    return 0;
  }
  if (calls[0].kind == CALL_HANDLE) {
    report_problem("a program opened a file without a path (open_by_handle_at)");
    return 0;
  }
  int refused = 0;
  for (int i = 0; i < count && refused == 0; i++) refused = watch_path(thread, &calls[i], arguments);
  return refused;
}
