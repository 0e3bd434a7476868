// rung-step: runs one step of a pipeline in a view of its own and writes down which files it looked at.
//
// Three processes, in this order (main.c):
//   host      started by Rung; makes the namespaces and the view (view.c), then waits
//   watcher   the first process inside, process 1 where there is a process namespace; starts the step, sees its path
//             calls (watch.c, recorder.c), reaps what it leaves behind
//   step      gives away what it must not have (filter.c, limits.c), then becomes the step's program
//
// What to do comes as a list of words on descriptor 3 (plan.c); what came of it goes to descriptor 4 (report.c). Both
// are files in memory that Rung made. Nothing is decided here: RungExec has chosen every word of the list.
#ifndef RUNG_STEP_H
#define RUNG_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

// Descriptors that Rung hands over. The last two are there when the plan says so.
enum { PLAN_FILE = 3, REPORT_FILE = 4, NETWORK_FILE = 5, USERS_FILE = 6, LONGEST_PATH = 4096 };

// ---- plan.c

enum mount_kind { MOUNT_BIND, MOUNT_COVER, MOUNT_OVERLAY, MOUNT_DEVICES };

// One change of the view, made in the order of the plan.
struct mount_step {
  enum mount_kind kind;
  const char *place;    // where it appears
  const char *source;   // bind: what appears there; overlay: the writable layer
  const char *work;     // overlay: its work folder
  const char *empty;    // overlay: an empty folder, where the lowest layer holds the writable one; else NULL
  bool writable;        // bind
  size_t count;         // overlay: read-only layers, topmost first; devices: paths of nodes below /dev
  const char **items;
  int file;             // a mount that is not attached yet, or -1
};

enum recorder { RECORD_NOTHING, RECORD_BY_NOTIFY, RECORD_BY_PTRACE };

struct plan {
  bool users, mounts, processes, network;    // namespaces of its own
  bool join_users, join_network;             // namespaces that are there already
  bool refuse_network;                       // where there is no network namespace: no internet sockets
  bool landlock;                             // writes only below `writable`
  bool strict;                               // the project is not in the view
  enum recorder recorder;
  struct mount_step *steps;
  size_t step_count;
  const char **writable;                     // folders, for Landlock
  size_t writable_count;
  const char *workspace, *project;           // where the step finds its workspace; the project's real folder
  const char **shadows;                      // what lies above the project in the workspace, topmost first
  size_t shadow_count;
  int *shadow_files;                         // the same, open; -1 for one that is not there
  const char **placed;                       // names in the workspace that are the project's own, mounted there
  size_t placed_count;
  const char **skipped, **exposed;           // folders whose files are nobody's input, but for these below them
  size_t skipped_count, exposed_count;
  const char **ignored;                      // the same in the project, from its root
  size_t ignored_count;
  const char *host;                          // what the step takes for the machine's name; NULL: as it is
  unsigned last_process;                     // after which its process numbers begin; 0: as it is
  unsigned processors;                       // on how many it may run; 0: as it is
  const char *listings;                      // a number that says in which order folders are listed; NULL: as it is
  const char *folder, *program;
  char **arguments, **environment;
};

// Reads the plan from PLAN_FILE. False when it is no plan of this version.
bool read_plan(struct plan *plan);

// ---- report.c

enum stage {
  STAGE_NONE = 0,
  STAGE_PLAN = 1,       // the plan cannot be read
  STAGE_NAMESPACES = 2, // the kernel refuses a namespace
  STAGE_VIEW = 3,       // a mount failed
  STAGE_FORK = 4,
  STAGE_LIMITS = 5,     // capabilities, Landlock
  STAGE_RECORDER = 6,   // the recorder cannot be set up
  STAGE_FOLDER = 7,     // the working folder cannot be entered
  STAGE_EXEC = 8,       // the program cannot be executed
};

enum use { LOOKED = 1, READ = 2, LISTED = 4, EXECUTED = 8, IMPORTED = 16 };
enum { IN_PROJECT = 1, CHANGED = 2, STAGED = 4 };

// Something that the step looked at, as it was when it was first looked at.
struct entry {
  char *path;        // from the project's root, or absolute
  char *names;       // of a listed folder: its names, NUL after each; of a link: its target
  uint32_t names_length;
  uint32_t mode;     // 0: nothing was there
  uint16_t uses, flags;
  uint64_t device, inode, size;
  int64_t modified, changed; // nanoseconds
};

// Says on REPORT_FILE that the step was not started, and why. `detail` names the thing.
void report_failure(enum stage stage, int code, const char *detail);
// Notes that something was varied.
enum variation { VARIED_HOST = 2, VARIED_PROCESSES = 4, VARIED_PROCESSORS = 8, VARIED_LISTINGS = 16 };
void report_varied(enum variation what);
// Writes how the step ended (as waitpid says) with all that was recorded. `pid` of the caller only.
void report_end(int status, bool left_behind);
// Notes why the record is not the whole truth; each sentence once.
void report_problem(const char *sentence);
// The entry of a path, made when there is none; `made` says which.
struct entry *report_entry(const char *path, uint16_t flags, bool *made);
// Remembers a text, and tells whether it was remembered before. For path calls that repeat.
void report_remember(const char *text);
bool report_seen(const char *text);
// Looks again at everything that was recorded and marks what is not as it was.
void report_recheck(const char *project);

// ---- view.c

// Makes the namespaces. On failure false, with errno and the name of what was refused in `detail`.
bool make_namespaces(const struct plan *plan, const char **detail);
// Makes the view, but for /proc.
bool make_view(struct plan *plan, const char **detail);
// A /proc of the own process namespace; to be called by its process 1.
bool mount_processes(const struct plan *plan, const char **detail);

// ---- sockets.c

// Reads where sockets lie in the file system: called before the namespaces are made, since the list is of one network.
void find_sockets(void);
// Covers those that are in the view.
bool cover_sockets(const struct plan *plan, const char **detail);

// ---- limits.c

// Gives up capabilities, Landlock, new privileges: for good, for this process and all it starts.
bool limit_process(const struct plan *plan, const char **detail);
// The version of Landlock's interface; 0 where there is none.
int landlock_version(void);

// ---- filter.c

// Installs the filter of system calls. With a recorder by notification returns the listener, else 0; -1 and errno.
// `listings`: tells of listings too.
int install_filter(enum recorder recorder, bool refuse_network, bool listings);
// The highest system call number that the tables know.
extern const int highest_known_call;

enum call_kind {
  CALL_OPEN,     // flags as of open(2)
  CALL_OPENAT2,  // the flags are behind a pointer
  CALL_CREATE,   // creat(2)
  CALL_LOOK,     // follows links
  CALL_LOOK_AT,  // flags as of fstatat(2)
  CALL_LOOK_LINK, // does not follow
  CALL_TAKE,     // rename, link: the content goes on under another name
  CALL_READ,     // truncate: what is left is content
  CALL_EXECUTE,
  CALL_EXECUTE_AT,
  CALL_VIEW,     // changes what paths mean
  CALL_HANDLE,   // opens without a path
};

// A path that a system call takes: which arguments are its folder (-1: the working folder), itself, and the flags.
struct call {
  int number;
  enum call_kind kind;
  signed char folder, path, flags;
};

// The rows of the table for a system call, `count` of them; NULL for one that takes no path.
const struct call *calls_of(int number, int *count);

// ---- watch.c

// Takes hold of the folders that the view will hide: called before it is made.
void watch_prepare(struct plan *plan);
// Begins to watch: called in the watcher, with the view in place.
void watch_start(const struct plan *plan);
// Notes what a system call of thread `thread` is about to do. Returns 0, or the errno with which it is to be refused.
// `foreign` says that it is a call of another machine (32 bits), whose numbers mean something else.
int watch_call(pid_t thread, int number, const uint64_t arguments[6], bool foreign);

// ---- python.c

// Notes that a thread looked at a path without opening it.
void python_looked(pid_t thread, const char *path);
// Whether that was the last path that it used.
bool python_looked_last(pid_t thread, const char *path);
// Whether a listing of this folder, given by its real path, is one of Python's import system. Asked once for each.
bool python_imports(pid_t thread, const char *folder);

// ---- recorder.c

// Starts the step by `start` (which does not return) in a new process and watches until it has ended. Returns what
// waitpid said of it; or -1 after report_failure.
int run_watched(const struct plan *plan, void (*start)(const struct plan *, int channel), bool *left_behind);

// ---- vary.c

// A name for the machine, in a namespace of its own.
void vary_host(const struct plan *plan);
// Fewer processors, for this process and all that it starts.
void vary_processors(const struct plan *plan);
// Other process numbers: called by process 1 with its /proc, before that is made read-only.
void vary_processes(const struct plan *plan);
// Whether listings are to be told of and can be answered.
bool vary_listings(const struct plan *plan);
// A descriptor of the folder that a thread is about to list; -1 when it cannot be had.
int vary_take_folder(pid_t thread, int descriptor);
// Lists it for the thread, in another order, into `room` bytes at `address`. What getdents64 returns, errors below zero.
long vary_listing(const struct plan *plan, int folder, pid_t thread, uint64_t address, uint64_t room);

// ---- hold.c

// Makes a network namespace, in a user namespace of its own if `users`, leaves a process in it for some seconds and
// prints its number: making one costs a step more than all else, and steps can have it one after the other.
int hold(bool users);

// ---- probe.c

// Prints what this host allows, a line each: NAME WORD DETAIL. `folder` is where an overlay is tried.
int probe(const char *folder);

#endif
