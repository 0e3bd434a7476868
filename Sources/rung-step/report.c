// What came of a step: how it ended and what it looked at. Kept in memory while it runs, written once.
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The first bytes of the file; RungExec/StepReport.swift reads it. Native byte order: it never leaves the machine. The
// lowest flag: something was left behind; the others: enum variation.
struct head {
  uint32_t magic, stage;
  int32_t code, status;
  uint32_t flags, detail_length, problem_count, entry_count;
};
struct entry_head {
  uint32_t path_length, names_length, mode;
  uint16_t uses, flags;
  uint64_t device, inode, size;
  int64_t modified, changed;
};
static const uint32_t magic = 0x31525352; // "RSR1"

static uint32_t variations;

void report_varied(enum variation what) { variations |= what; }

// ---- output

static char buffer[1 << 16];
static size_t filled;

static void flush(void) {
  size_t done = 0;
  while (done < filled) {
    const ssize_t count = write(REPORT_FILE, buffer + done, filled - done);
    if (count > 0) done += (size_t)count;
    else if (errno != EINTR) break; // a report that is cut short is no report: the reader sees it
  }
  filled = 0;
}

static void put(const void *bytes, size_t count) {
  while (count > 0) {
    if (filled == sizeof buffer) flush();
    const size_t part = count < sizeof buffer - filled ? count : sizeof buffer - filled;
    memcpy(buffer + filled, bytes, part);
    filled += part;
    bytes = (const char *)bytes + part;
    count -= part;
  }
}

// ---- what is remembered

static char **problems;
static size_t problem_count;

void report_problem(const char *sentence) {
  for (size_t i = 0; i < problem_count; i++) {
    if (strcmp(problems[i], sentence) == 0) return;
  }
  if (problem_count == 64) return; // enough to know that it is incomplete
  char **grown = realloc(problems, (problem_count + 1) * sizeof *grown);
  char *copy = strdup(sentence);
  if (grown == NULL || copy == NULL) abort();
  problems = grown;
  problems[problem_count++] = copy;
}

// A set of texts, open addressing. The arena that they lie in is never freed: the process is short-lived.
struct table {
  void **slots;
  size_t size, count;
};
static struct table seen, known;
static struct entry **entries;
static size_t entry_count, entry_room;

static char *keep(const char *text, size_t length) {
  static char *arena;
  static size_t room;
  if (length + 1 > room) {
    room = length + 1 > 1 << 16 ? length + 1 : 1 << 16;
    if ((arena = malloc(room)) == NULL) abort();
  }
  char *copy = arena;
  memcpy(copy, text, length);
  copy[length] = 0;
  arena += length + 1;
  room -= length + 1;
  return copy;
}

// FNV-1a, 64 bits.
static uint64_t hash(const char *text, uint64_t start) {
  uint64_t value = 1469598103934665603u ^ start;
  for (; *text != 0; text++) value = (value ^ (unsigned char)*text) * 1099511628211u;
  return value;
}

static const char *text_of(const struct table *table, const void *item) {
  return table == &known ? ((const struct entry *)item)->path : (const char *)item;
}

static void **slot(struct table *table, const char *text, uint64_t extra) {
  if (table->count * 2 >= table->size) {
    const struct table old = *table;
    table->size = old.size == 0 ? 1024 : old.size * 2;
    if ((table->slots = calloc(table->size, sizeof(void *))) == NULL) abort();
    for (size_t i = 0; i < old.size; i++) {
      if (old.slots[i] == NULL) continue;
      const uint64_t flags = table == &known ? ((const struct entry *)old.slots[i])->flags & IN_PROJECT : 0;
      size_t place = hash(text_of(table, old.slots[i]), flags) & (table->size - 1);
      while (table->slots[place] != NULL) place = (place + 1) & (table->size - 1);
      table->slots[place] = old.slots[i];
    }
    free(old.slots);
  }
  size_t place = hash(text, extra) & (table->size - 1);
  for (; table->slots[place] != NULL; place = (place + 1) & (table->size - 1)) {
    if (strcmp(text_of(table, table->slots[place]), text) != 0) continue;
    if (table != &known || (((struct entry *)table->slots[place])->flags & IN_PROJECT) == extra) break;
  }
  return &table->slots[place];
}

bool report_seen(const char *text) { return *slot(&seen, text, 0) != NULL; }

void report_remember(const char *text) {
  void **place = slot(&seen, text, 0);
  if (*place != NULL) return;
  *place = keep(text, strlen(text));
  seen.count++;
}

struct entry *report_entry(const char *path, uint16_t flags, bool *made) {
  void **place = slot(&known, path, flags & IN_PROJECT);
  *made = *place == NULL;
  if (*place != NULL) return *place;
  struct entry *entry = calloc(1, sizeof *entry);
  if (entry == NULL) abort();
  entry->path = keep(path, strlen(path));
  entry->flags = flags;
  *place = entry;
  known.count++;
  if (entry_count == entry_room) {
    entry_room = entry_room == 0 ? 256 : entry_room * 2;
    if ((entries = realloc(entries, entry_room * sizeof *entries)) == NULL) abort();
  }
  entries[entry_count++] = entry;
  return entry;
}

void report_recheck(const char *project) {
  const int root = project == NULL ? -1 : open(project, O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (size_t i = 0; i < entry_count; i++) {
    struct entry *entry = entries[i];
    if ((entry->flags & STAGED) != 0) continue;
    const bool inside = (entry->flags & IN_PROJECT) != 0;
    if (inside && root < 0) continue;
    struct stat now;
    const char *path = inside && entry->path[0] == 0 ? "." : entry->path;
    if (fstatat(inside ? root : AT_FDCWD, path, &now, AT_SYMLINK_NOFOLLOW) < 0) now.st_mode = 0;
    const bool same_kind = (now.st_mode & S_IFMT) == (entry->mode & S_IFMT);
    // A folder is more than its times: what was seen of it are its names, which are kept.
    const bool is_file = (entry->mode & S_IFMT) == S_IFREG;
    const int64_t modified = (int64_t)now.st_mtim.tv_sec * 1000000000 + now.st_mtim.tv_nsec;
    const int64_t changed = (int64_t)now.st_ctim.tv_sec * 1000000000 + now.st_ctim.tv_nsec;
    if (same_kind && (!is_file || (now.st_ino == entry->inode && (uint64_t)now.st_size == entry->size &&
                                   modified == entry->modified && changed == entry->changed)))
      continue;
    entry->flags |= CHANGED;
  }
  if (root >= 0) close(root);
}

// ---- the file

static void write_report(struct head *head, const char *detail) {
  head->magic = magic;
  head->detail_length = (uint32_t)strlen(detail);
  head->problem_count = (uint32_t)problem_count;
  head->entry_count = (uint32_t)entry_count;
  put(head, sizeof *head);
  put(detail, head->detail_length);
  for (size_t i = 0; i < problem_count; i++) {
    const uint32_t length = (uint32_t)strlen(problems[i]);
    put(&length, sizeof length);
    put(problems[i], length);
  }
  for (size_t i = 0; i < entry_count; i++) {
    const struct entry *entry = entries[i];
    const struct entry_head line = {
        .path_length = (uint32_t)strlen(entry->path), .names_length = entry->names_length, .mode = entry->mode,
        .uses = entry->uses, .flags = entry->flags, .device = entry->device, .inode = entry->inode,
        .size = entry->size, .modified = entry->modified, .changed = entry->changed};
    put(&line, sizeof line);
    put(entry->path, line.path_length);
    put(entry->names, line.names_length);
  }
  flush();
}

void report_failure(enum stage stage, int code, const char *detail) {
  entry_count = 0;
  problem_count = 0;
  struct head head = {.stage = stage, .code = code};
  write_report(&head, detail == NULL ? "" : detail);
}

void report_end(int status, bool left_behind) {
  struct head head = {.status = status, .flags = variations | (left_behind ? 1 : 0)};
  write_report(&head, "");
}
