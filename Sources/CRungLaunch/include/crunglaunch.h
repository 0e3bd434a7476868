// Starts one process of a step, in a way that posix_spawn cannot (docs/decisions/0007-launching.md).
//
// The parent resolves everything first: the path of the program, the whole environment, the folder, the log. The child
// only makes system calls. Nothing is inherited but what is named here.
#ifndef CRUNGLAUNCH_H
#define CRUNGLAUNCH_H

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

// What to start. All pointers stay the caller's and must be valid until rung_launch returns.
struct rung_launch_request {
  const char *program;      // path of the program; not searched for
  char *const *arguments;   // argv, NULL at the end; the first is the name by which the program was called
  char *const *environment; // the whole environment, "NAME=value", NULL at the end
  const char *folder;       // working directory, absolute
  int log;                  // standard output and error, 3 or greater, opened with O_APPEND
  int passed[4];            // more descriptors, which the process gets as 3, 4, …
  int passed_count;         // how many of them, at most 4
};

// Where in the child a start failed.
enum rung_launch_stage {
  RUNG_STAGE_NONE = 0,
  RUNG_STAGE_FORK = 1,    // no process was made
  RUNG_STAGE_SESSION = 2, // setsid, the tie to the parent, limits
  RUNG_STAGE_FOLDER = 3,  // the working directory cannot be entered
  RUNG_STAGE_STREAMS = 4, // /dev/null or the log
  RUNG_STAGE_EXEC = 5     // the program cannot be executed
};

// Why a start failed: `code` is an errno.
struct rung_launch_failure {
  int stage;
  int code;
};

// Starts a process and returns its id, which is also the id of its session and of its process group. Returns once the
// program runs, or -1 with `failure` filled in; then nothing is left to wait for.
//
// The process:
// - leads a new session without terminal; so its group can be signalled as one;
// - gets SIGKILL when the *thread* that called this ends: the calling thread must outlive it, as one that waits for
//   it does. So a killed Rung leaves no leader behind;
// - has every signal unblocked and at its default, umask 022, no core dumps;
// - reads /dev/null, writes both streams to `log`, and has no other descriptor open but those of the request.
//
// ETXTBSY (the program was just written, and some other new process still holds the descriptor for an instant) is
// tried again for about a tenth of a second.
//
// Safe to call from many threads at once. The first call makes the process a child subreaper, so that what a step leaves
// behind comes to us and can be waited for, and undoes an inherited "ignore SIGCHLD".
pid_t rung_launch(const struct rung_launch_request *request, struct rung_launch_failure *failure);

// A descriptor that is readable when process `pid` has ended; close-on-exec. -1 and errno when there is none.
int rung_pidfd(pid_t pid);

// The end of a process: how it ended (as wait4 says) and what it and the children it waited for used.
struct rung_end {
  int status;
  int64_t cpu_nanoseconds; // user and system
  int64_t peak_bytes;      // the largest resident set of any one of them; at least our own size at the start
};

// Ends what was started as `leader`: waits for the leader, which must have ended or been sent SIGKILL, and kills and
// reaps what is left of its group and of its session. Returns 0, or an errno when there is no such child.
//
// The group is signalled while the leader is a zombie, when its number cannot have been given to another process.
// `left_behind` is 1 when something else than the leader had to be ended.
int rung_finish(pid_t leader, struct rung_end *end, int *left_behind);

// A descriptor (O_PATH) that names `path`, relative to `folder`, without opening it: for fstat, and to start from. No
// component may be a symbolic link or lead out of the folder; a symbolic link as the last one is named itself, not
// followed. -1 and errno: ELOOP behind a symbolic link; ENOSYS where the kernel has no openat2.
int rung_name_beneath(int folder, const char *path);

// Waits until `ended` (of rung_pidfd) or `event` (of rung_event) is readable, a signal is handled or the time is over; a
// negative descriptor is left out, a negative time is endless. Returns 1 when `ended` is readable, else 0.
int rung_wait(int ended, int event, int64_t nanoseconds);

// A new empty file in memory, gone with its last descriptor; close-on-exec. -1 and errno when there is none.
int rung_memory_file(void);

// Makes the whole file system that `file` lies on durable: 0, or -1 and errno.
int rung_sync(int file);

// What an errno means; never NULL, valid for ever.
const char *rung_reason(int code);

// On how many processors this process may run; 0 when that cannot be known (more than 1024).
int rung_usable_processors(void);

// A descriptor that becomes readable, for ever, once rung_event_raise was called on it; -1 when none is to be had.
int rung_event(void);
void rung_event_raise(int event);

#endif
