// Telling Python's import system from a program that lists a folder.
//
// Python finds modules in a folder by its list of names: it asks for the folder's status, lists it, and then asks for
// nothing that is not in the list (importlib's FileFinder). So every script depends on the names beside it; but only on
// those that can be modules. What is taken for an import's listing must be just that, for another listing means every
// name: the first of a folder by a process, by Python, right after it asked for the folder's status by the same name, and
// in a folder that modules are imported from: the script's own, or a package.
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The path that a thread looked at last, by hash; threads share places rarely, and then nothing is recognised.
static struct {
  pid_t thread;
  uint64_t hash;
} last[256];

static uint64_t hash(const char *text) {
  uint64_t value = 1469598103934665603u;
  for (; *text != 0; text++) value = (value ^ (unsigned char)*text) * 1099511628211u;
  return value;
}

void python_looked(pid_t thread, const char *path) {
  const size_t place = (size_t)thread & 255;
  last[place].thread = thread;
  last[place].hash = hash(path);
}

bool python_looked_last(pid_t thread, const char *path) {
  const size_t place = (size_t)thread & 255;
  return last[place].thread == thread && last[place].hash == hash(path);
}

static ssize_t read_file(const char *path, char *text, size_t room) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  const ssize_t length = read(file, text, room - 1);
  close(file);
  if (length >= 0) text[length] = 0;
  return length;
}

static bool is_python(pid_t thread) {
  char link[64], path[LONGEST_PATH];
  snprintf(link, sizeof link, "/proc/%d/exe", thread);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = 0;
  const char *name = strrchr(path, '/');
  return name != NULL && strncmp(name + 1, "python", 6) == 0;
}

// The process that a thread belongs to.
static long process_of(pid_t thread) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/status", thread);
  if (read_file(path, text, sizeof text) <= 0) return -1;
  const char *line = strstr(text, "\nTgid:");
  return line == NULL ? -1 : strtol(line + 6, NULL, 10);
}

// Whether a folder is the one of the script that a Python process runs.
static bool is_script_folder(pid_t thread, const char *folder) {
  char path[64], text[LONGEST_PATH], name[2 * LONGEST_PATH], real[LONGEST_PATH];
  snprintf(path, sizeof path, "/proc/%d/cmdline", thread);
  const ssize_t length = read_file(path, text, sizeof text);
  if (length <= 0) return false;
  const char *const end = text + length;
  const char *word = text + strlen(text) + 1;
  for (; word < end && word[0] == '-' && word[1] != 0; word += strlen(word) + 1) {
    if (word[1] == 'c' || word[1] == 'm') return false; // no script
    if (strcmp(word, "-W") == 0 || strcmp(word, "-X") == 0 || strcmp(word, "--check-hash-based-pycs") == 0)
      word += strlen(word) + 1; // an option with a word of its own
  }
  if (word >= end || word[0] == 0) return false;
  // From its working folder, and with its links resolved, as Python does it.
  const int length_of_name = word[0] == '/' ? snprintf(name, sizeof name, "%s", word)
                                            : snprintf(name, sizeof name, "/proc/%d/cwd/%s", thread, word);
  if (length_of_name >= (int)sizeof name) return false;
  const int file = open(name, O_PATH | O_CLOEXEC);
  if (file < 0) return false;
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  const ssize_t size = readlink(path, real, sizeof real - 1);
  close(file);
  if (size <= 0) return false;
  real[size] = 0;
  char *slash = strrchr(real, '/');
  if (slash == NULL) return false;
  *slash = 0;
  return strcmp(real, folder) == 0;
}

bool python_imports(pid_t thread, const char *folder) {
  if (!is_python(thread)) return false;
  char text[LONGEST_PATH + 64];
  // Only the first listing can be the import's: a process keeps what it has learnt.
  if (snprintf(text, sizeof text, "imports %ld %s", process_of(thread), folder) >= (int)sizeof text) return false;
  if (report_seen(text)) return false;
  report_remember(text);
  snprintf(text, sizeof text, "%s/__init__.py", folder);
  return access(text, F_OK) == 0 || is_script_folder(thread, folder);
}
