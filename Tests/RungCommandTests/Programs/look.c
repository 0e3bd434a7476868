// look HOW FILE [MORE]: reads or finds a file in one of the ways in which a program can, and prints what it found.
// Ends with 1 when the file is not there. With -DTHREADS a second thread does it; may be linked statically.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char **more; // the words behind FILE

static _Noreturn void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static int good(long result, const char *what) {
  if (result < 0) die(what);
  return (int)result;
}

// For attempts that the view refuses: only that the file is missing counts as a failure.
static void attempt(long result, const char *what) {
  if (result < 0 && (errno == ENOENT || errno == ENOTDIR)) die(what);
  printf("%s: %s\n", what, result < 0 ? strerror(errno) : "done");
}

static void print(int file) {
  char text[4096];
  ssize_t count;
  while ((count = read(file, text, sizeof text)) > 0) fwrite(text, 1, (size_t)count, stdout);
  if (count < 0) die("read");
  fflush(stdout);
  close(file);
}

// A name in the folder for temporary files.
static const char *temporary(const char *name) {
  static char path[PATH_MAX];
  const char *folder = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/%s", folder == NULL ? "/tmp" : folder, name);
  return path;
}

static void show(const char *path) { print(good(open(path, O_RDONLY), path)); }

// The folder of a path, and its last component.
static char *parent(const char *path) {
  char *copy = strdup(path), *slash = strrchr(copy, '/');
  if (slash == NULL) return strdup(".");
  *slash = 0;
  return copy;
}
static const char *last(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

static void wait_for(pid_t child) {
  int status;
  good(child, "a process");
  good(waitpid(child, &status, __WALL), "waitpid");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) exit(1);
}

// ---- reading

static void by_open(const char *path) { show(path); }
static void by_openat(const char *path) {
  const int folder = good(open(parent(path), O_PATH | O_DIRECTORY), "folder");
  print(good(openat(folder, last(path), O_RDONLY), path));
}
static void by_openat2(const char *path) {
  const struct open_how how = {.flags = O_RDONLY};
  print(good(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how), path));
}
// The folder is the root: "/NAME" lies in it.
static void by_openat2_root(const char *path) {
  const struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
  char name[PATH_MAX];
  snprintf(name, sizeof name, "/%s", last(path));
  const int folder = good(open(parent(path), O_PATH | O_DIRECTORY), "folder");
  print(good(syscall(SYS_openat2, folder, name, &how, sizeof how), path));
}
static void by_reopen(const char *path) {
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", good(open(path, O_PATH), path));
  show(name);
}
static void by_mmap(const char *path) {
  const int file = good(open(path, O_RDONLY), path);
  struct stat status;
  fstat(file, &status);
  const char *text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (text == MAP_FAILED) die("mmap");
  close(file);
  fwrite(text, 1, (size_t)status.st_size, stdout);
}
static void by_readwrite(const char *path) {
  const int file = open(path, O_RDWR);
  if (file >= 0) print(file);
  else attempt(-1, "open for writing");
}
static void by_sendfile(const char *path) {
  const int file = good(open(path, O_RDONLY), path);
  int ends[2];
  good(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
  good(sendfile(ends[0], file, NULL, 4096), "sendfile");
  close(ends[0]);
  print(ends[1]);
}
static void by_copy_range(const char *path) {
  const int file = good(open(path, O_RDONLY), path);
  const int copy = good(open(temporary("copy-range"), O_RDWR | O_CREAT | O_TRUNC, 0600), "copy");
  const ssize_t count = copy_file_range(file, NULL, copy, NULL, 4096, 0);
  if (count < 0 && errno != EXDEV && errno != EOPNOTSUPP) die("copy_file_range");
  if (count < 0) print(file);
  lseek(copy, 0, SEEK_SET);
  print(copy);
}
static void by_splice(const char *path) {
  const int file = good(open(path, O_RDONLY), path);
  int ends[2];
  good(pipe(ends), "pipe");
  good(splice(file, NULL, ends[1], NULL, 4096, 0), "splice");
  close(ends[1]);
  print(ends[0]);
}

// ---- finding

static void by_stat(const char *path) {
  struct stat status;
  good(syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0), path);
  printf("%lld\n", (long long)status.st_size);
}
static void by_lstat(const char *path) {
  struct stat status;
  good(syscall(SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW), path);
  printf("%lld\n", (long long)status.st_size);
}
static void by_old_stat(const char *path) {
  struct stat status;
  good(syscall(SYS_stat, path, &status), path);
  good(syscall(SYS_lstat, path, &status), path);
  printf("%lld\n", (long long)status.st_size);
}
static void by_statx(const char *path) {
  struct statx status;
  good(statx(AT_FDCWD, path, 0, STATX_SIZE, &status), path);
  printf("%lld\n", (long long)status.stx_size);
}
// A folder's descriptor and a name with the flag that is meant for the descriptor alone.
static void by_stat_odd(const char *path) {
  struct stat status;
  const int folder = good(open(parent(path), O_PATH | O_DIRECTORY), "folder");
  good(syscall(SYS_newfstatat, folder, last(path), &status, AT_EMPTY_PATH), path);
  printf("%lld\n", (long long)status.st_size);
}
static void by_access(const char *path) { good(syscall(SYS_access, path, R_OK), path); }
static void by_faccessat2(const char *path) { good(syscall(SYS_faccessat2, AT_FDCWD, path, R_OK, AT_EACCESS), path); }
static void by_readlink(const char *path) {
  char target[PATH_MAX] = {0};
  good(readlink(path, target, sizeof target - 1), path);
  puts(target);
}
static void by_readlink_descriptor(const char *path) {
  char target[PATH_MAX] = {0};
  const int link = good(open(path, O_PATH | O_NOFOLLOW), path);
  good(readlinkat(link, "", target, sizeof target - 1), path);
  puts(target);
}
static void by_getdents(const char *path) {
  const int folder = good(open(path, O_RDONLY | O_DIRECTORY), path);
  char items[4096];
  long count;
  int names = 0;
  while ((count = syscall(SYS_getdents64, folder, items, sizeof items)) > 0)
    for (long at = 0; at < count; at += ((struct dirent *)(items + at))->d_reclen) names++;
  printf("%d\n", names);
}
// Whether it is there, which is no failure.
static void by_asking(const char *path) {
  struct stat status;
  if (stat(path, &status) == 0) show(path);
  else puts("not there");
}
static void by_opening(const char *path) {
  const int file = open(path, O_RDONLY);
  if (file >= 0) print(file);
  else puts("not there");
}
static void by_getxattr(const char *path) {
  char value[64];
  attempt(getxattr(path, "user.nothing", value, sizeof value), "getxattr");
}
static void by_statfs(const char *path) {
  struct statfs status;
  attempt(statfs(path, &status), "statfs");
}
static void by_inotify(const char *path) { attempt(inotify_add_watch(inotify_init1(0), path, IN_MODIFY), "inotify"); }
static void by_name_handle(const char *path) {
  union {
    struct file_handle handle;
    char room[256];
  } name = {.handle = {.handle_bytes = 128}};
  int mount;
  attempt(name_to_handle_at(AT_FDCWD, path, &name.handle, &mount, 0), "name_to_handle_at");
}
static void by_truncate(const char *path) {
  attempt(truncate(path, 1), "truncate");
  show(path);
}
static void by_chmod(const char *path) { attempt(chmod(path, 0644), "chmod"); }
static void by_utimes(const char *path) { attempt(utimensat(AT_FDCWD, path, NULL, 0), "utimensat"); }
static void by_rename(const char *path) {
  attempt(rename(path, more[0]), "rename");
  if (access(more[0], F_OK) == 0) show(more[0]);
}
static void by_link(const char *path) {
  attempt(link(path, more[0]), "link");
  if (access(more[0], F_OK) == 0) show(more[0]);
}
static void by_unlink(const char *path) { attempt(unlink(path), "unlink"); }

// ---- executing

static void by_execve(const char *path) {
  char *words[] = {(char *)path, NULL};
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    execve(path, words, environ);
    die(path);
  }
  wait_for(child);
}
static void by_execveat(const char *path) {
  char *words[] = {(char *)path, NULL};
  const int folder = good(open(parent(path), O_PATH | O_DIRECTORY), "folder");
  const pid_t child = fork();
  if (child == 0) {
    syscall(SYS_execveat, folder, last(path), words, environ, 0);
    die(path);
  }
  wait_for(child);
}
static void by_fexecve(const char *path) {
  char *words[] = {(char *)path, NULL};
  const int file = good(open(path, O_PATH), path);
  const pid_t child = fork();
  if (child == 0) {
    syscall(SYS_execveat, file, "", words, environ, AT_EMPTY_PATH);
    die(path);
  }
  wait_for(child);
}
static void by_dlopen(const char *path) {
  void *library = dlopen(path, RTLD_NOW);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  int (*answer)(void) = (int (*)(void))dlsym(library, "answer");
  printf("%d\n", answer == NULL ? -1 : answer());
}

// ---- other processes and threads

static void by_fork(const char *path) {
  const pid_t child = fork();
  if (child == 0) {
    show(path);
    _exit(0);
  }
  wait_for(child);
}
static void by_vfork(const char *path) {
  char *words[] = {"cat", (char *)path, NULL};
  const pid_t child = vfork();
  if (child == 0) {
    execve("/bin/cat", words, environ);
    _exit(127);
  }
  wait_for(child);
}
static int cloned(void *path) {
  show(path);
  _exit(0);
}
static void by_clone(const char *path) {
  char *stack = malloc(1 << 16);
  wait_for(clone(cloned, stack + (1 << 16), SIGCHLD, (void *)path));
}
// Shares the files and the working folder, but is no thread.
static void by_clone_sharing(const char *path) {
  char *stack = malloc(1 << 16);
  wait_for(clone(cloned, stack + (1 << 16), CLONE_FS | CLONE_FILES | SIGCHLD, (void *)path));
}
static void by_spawn(const char *path) {
  char *words[] = {"cat", (char *)path, NULL};
  pid_t child;
  if ((errno = posix_spawn(&child, "/bin/cat", NULL, NULL, words, environ)) != 0) die("posix_spawn");
  wait_for(child);
}
static void *in_thread(void *path) {
  show(path);
  return NULL;
}
static void by_thread(const char *path) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, in_thread, (void *)path) != 0) die("pthread_create");
  pthread_join(thread, NULL);
}
// A thread of many, all at the same file, each with a name of its own for it.
static void *many(void *path) {
  char name[PATH_MAX];
  for (int i = 0; i < 20; i++) {
    snprintf(name, sizeof name, "/proc/thread-self/cwd/%s", (const char *)path);
    close(good(open(name, O_RDONLY), name));
  }
  return NULL;
}
static void by_threads(const char *path) {
  pthread_t threads[8];
  for (int i = 0; i < 8; i++) {
    if (pthread_create(&threads[i], NULL, many, (void *)path) != 0) die("pthread_create");
  }
  for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
}
// Leaves its parents and its session before it reads; the step ends when it has.
static void by_daemon(const char *path) {
  int ends[2];
  good(pipe(ends), "pipe");
  fflush(stdout);
  if (good(fork(), "fork") == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    show(path);
    _exit(0);
  }
  close(ends[1]);
  wait(NULL);
  print(ends[0]);
}

// ---- names

static void by_chdir(const char *path) {
  good(chdir(parent(path)), "chdir");
  show(last(path));
}
static void by_fchdir(const char *path) {
  good(fchdir(good(open(parent(path), O_PATH | O_DIRECTORY), "folder")), "fchdir");
  show(last(path));
}
static void through(const char *format, const char *path) {
  char name[PATH_MAX];
  snprintf(name, sizeof name, format, path);
  show(name);
}
static void by_self_cwd(const char *path) { through("/proc/self/cwd/%s", path); }
static void by_odd_self(const char *path) { through("//proc/./self//cwd/%s", path); }
static void by_proc_folder(const char *path) {
  const int here = good(open(".", O_PATH | O_DIRECTORY), "folder");
  good(chdir("/proc"), "chdir");
  char name[PATH_MAX];
  good(fchdir(here), "fchdir");
  const int processes = good(open("/proc", O_PATH | O_DIRECTORY), "/proc");
  snprintf(name, sizeof name, "self/cwd/%s", path);
  print(good(openat(processes, name, O_RDONLY), name));
}
static void by_self_root(const char *path) {
  char here[PATH_MAX], name[2 * PATH_MAX];
  if (getcwd(here, sizeof here) == NULL) die("getcwd");
  snprintf(name, sizeof name, "/proc/self/root%s/%s", here, path);
  show(name);
}
static void by_pid_cwd(const char *path) {
  char name[PATH_MAX];
  snprintf(name, sizeof name, "/proc/%d/cwd/%s", getpid(), path);
  show(name);
}
static void by_dev_fd(const char *path) {
  char name[64];
  snprintf(name, sizeof name, "/dev/fd/%d", good(open(path, O_PATH), path));
  show(name);
}
static void by_dev_stdin(const char *path) {
  good(dup2(good(open(path, O_PATH), path), 0), "dup2");
  show("/dev/stdin");
}
static void by_own_link(const char *path) {
  char here[PATH_MAX], target[2 * PATH_MAX];
  if (getcwd(here, sizeof here) == NULL) die("getcwd");
  snprintf(target, sizeof target, "%s/%s", here, path);
  good(symlink(target, temporary("own-link")), "symlink");
  show(temporary("own-link"));
}
static void by_own_workspace_link(const char *path) {
  good(symlink(path, "own-link"), "symlink");
  show("own-link");
}
static void by_link_to_self(const char *path) {
  char target[PATH_MAX];
  snprintf(target, sizeof target, "/proc/self/cwd/%s", path);
  good(symlink(target, temporary("self-link")), "symlink");
  show(temporary("self-link"));
}
// The same name, pointed at one file after the other.
static void by_turned_link(const char *path) {
  for (const char *const *at = (const char *const[]){path, more[0], NULL}; *at != NULL; at++) {
    char here[PATH_MAX], target[2 * PATH_MAX], odd[2 * PATH_MAX];
    if (getcwd(here, sizeof here) == NULL) die("getcwd");
    snprintf(target, sizeof target, "%s/%s", here, *at);
    unlink(temporary("turned"));
    good(symlink(target, temporary("turned")), "symlink");
    snprintf(odd, sizeof odd, "/usr/..%s", temporary("turned"));
    show(odd);
  }
}

// ---- what cannot be followed

static void by_ring(const char *path) {
  char parameters[256] = {0};
  const long ring = syscall(SYS_io_uring_setup, 4, parameters);
  printf("io_uring_setup: %s\n", ring < 0 ? strerror(errno) : "done");
  if (more[0] != NULL && (ring >= 0 || errno != ENOSYS)) exit(1);
  show(path);
}
static void by_unknown(const char *path) {
  syscall(600);
  show(path);
}
static void by_mount(const char *path) {
  mount("none", "/tmp", "tmpfs", 0, NULL);
  show(path);
}
static void by_chroot(const char *path) {
  if (chroot("/tmp") == 0) puts("left");
  show(path);
}
static void by_setns(const char *path) {
  setns(good(open("/proc/self/ns/mnt", O_RDONLY), "namespace"), CLONE_NEWNS);
  show(path);
}
static void by_handle(const char *path) {
  struct {
    struct file_handle handle;
    char room[128];
  } name = {.handle = {.handle_bytes = 8}};
  open_by_handle_at(AT_FDCWD, &name.handle, O_RDONLY);
  show(path);
}
// A call of the old 32-bit machine from a program of this one.
static void by_32_bits(const char *path) {
#if defined(__x86_64__)
  char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED) die("mmap");
  strcpy(low, path);
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(5), "b"((uint32_t)(uintptr_t)low), "c"(0), "d"(0) : "memory");
  if (result >= 0) return print((int)result);
  errno = (int)-result;
#endif
  show(path);
}
static void by_socket(const char *path) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  strncpy(name.sun_path, path, sizeof name.sun_path - 1);
  const int channel = socket(AF_UNIX, SOCK_STREAM, 0);
  printf("connect: %s\n", connect(channel, (const struct sockaddr *)&name, sizeof name) < 0 ? strerror(errno) : "done");
}

// ---- its own surroundings

static void by_descriptors(const char *path) {
  (void)path;
  for (int file = 0; file < 1024; file++) {
    if ((fcntl(file, F_GETFD) >= 0) != (file < 3)) {
      fprintf(stderr, "descriptor %d\n", file);
      exit(1);
    }
  }
}

static const struct {
  const char *name;
  void (*look)(const char *path);
} ways[] = {
    {"open", by_open}, {"openat", by_openat}, {"openat2", by_openat2}, {"openat2-root", by_openat2_root},
    {"reopen", by_reopen}, {"mmap", by_mmap}, {"read-write", by_readwrite}, {"sendfile", by_sendfile},
    {"copy-range", by_copy_range}, {"splice", by_splice}, {"stat", by_stat}, {"lstat", by_lstat},
    {"old-stat", by_old_stat}, {"statx", by_statx}, {"stat-odd", by_stat_odd}, {"access", by_access},
    {"faccessat2", by_faccessat2}, {"readlink", by_readlink}, {"readlink-descriptor", by_readlink_descriptor},
    {"getdents", by_getdents}, {"ask", by_asking}, {"try", by_opening}, {"getxattr", by_getxattr},
    {"statfs", by_statfs}, {"inotify", by_inotify}, {"name-handle", by_name_handle}, {"truncate", by_truncate},
    {"chmod", by_chmod}, {"utimes", by_utimes}, {"rename", by_rename}, {"link", by_link}, {"unlink", by_unlink},
    {"execve", by_execve}, {"execveat", by_execveat}, {"fexecve", by_fexecve}, {"dlopen", by_dlopen},
    {"fork", by_fork}, {"vfork", by_vfork}, {"clone", by_clone}, {"clone-sharing", by_clone_sharing},
    {"spawn", by_spawn}, {"thread", by_thread}, {"threads", by_threads}, {"daemon", by_daemon},
    {"chdir", by_chdir}, {"fchdir", by_fchdir}, {"self-cwd", by_self_cwd}, {"odd-self", by_odd_self},
    {"proc-folder", by_proc_folder}, {"self-root", by_self_root}, {"pid-cwd", by_pid_cwd}, {"dev-fd", by_dev_fd},
    {"dev-stdin", by_dev_stdin}, {"own-link", by_own_link}, {"own-workspace-link", by_own_workspace_link},
    {"link-to-self", by_link_to_self}, {"turned-link", by_turned_link}, {"ring", by_ring}, {"unknown", by_unknown},
    {"mount", by_mount}, {"chroot", by_chroot}, {"setns", by_setns}, {"handle", by_handle}, {"32-bits", by_32_bits},
    {"socket", by_socket}, {"descriptors", by_descriptors},
};

static char **words;

static void *look(void *nothing) {
  (void)nothing;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    if (strcmp(ways[i].name, words[1]) != 0) continue;
    ways[i].look(words[2]);
    fflush(stdout);
    return NULL;
  }
  fprintf(stderr, "no way is called %s\n", words[1]);
  exit(2);
}

int main(int count, char **given) {
  if (count < 3) return 2;
  words = given;
  more = given + 3;
#ifdef THREADS
  pthread_t thread;
  if (pthread_create(&thread, NULL, look, NULL) != 0) return 2;
  pthread_join(thread, NULL);
#else
  look(NULL);
#endif
  return 0;
}
