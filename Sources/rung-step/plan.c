// The plan: a list of words, each ended by NUL. A word of the table below is followed by its arguments; a list by
// its length and its items. docs/architecture.md tells who writes it (RungExec/StepPlan.swift).
#include "step.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *at, *end;

static const char *word(void) {
  if (at >= end) return NULL;
  const char *text = at;
  at += strlen(at) + 1; // the last byte of the file is NUL, see read_plan
  return text;
}

static unsigned number(void) {
  const char *text = word();
  return text == NULL ? 0 : (unsigned)strtoul(text, NULL, 10);
}

// A list with NULL behind its last item; NULL when the plan ends too early.
static const char **list(size_t *count) {
  const char *length = word();
  if (length == NULL) return NULL;
  *count = strtoul(length, NULL, 10);
  if (*count > (size_t)(end - at)) return NULL; // each item has at least its NUL
  const char **items = calloc(*count + 1, sizeof *items);
  if (items == NULL) return NULL;
  for (size_t i = 0; i < *count; i++) {
    if ((items[i] = word()) == NULL) return NULL;
  }
  return items;
}

static struct mount_step *add(struct plan *plan, enum mount_kind kind) {
  struct mount_step *grown = realloc(plan->steps, (plan->step_count + 1) * sizeof *grown);
  if (grown == NULL) return NULL;
  plan->steps = grown;
  struct mount_step *step = &grown[plan->step_count++];
  *step = (struct mount_step){.kind = kind, .file = -1};
  return step;
}

static bool read_word(struct plan *plan, const char *name) {
  size_t ignored;
  struct mount_step *step;
#define IS(text) (strcmp(name, text) == 0)
  if (IS("users")) return plan->users = true;
  if (IS("mounts")) return plan->mounts = true;
  if (IS("processes")) return plan->processes = true;
  if (IS("network")) return plan->network = true;
  if (IS("join-users")) return plan->join_users = true;
  if (IS("join-network")) return plan->join_network = true;
  if (IS("refuse-network")) return plan->refuse_network = true;
  if (IS("strict")) return plan->strict = true;
  if (IS("notify")) return (plan->recorder = RECORD_BY_NOTIFY) != RECORD_NOTHING;
  if (IS("ptrace")) return (plan->recorder = RECORD_BY_PTRACE) != RECORD_NOTHING;
  if (IS("landlock")) {
    plan->landlock = true;
    return (plan->writable = list(&plan->writable_count)) != NULL;
  }
  if (IS("bind") || IS("bind-writable")) {
    if ((step = add(plan, MOUNT_BIND)) == NULL) return false;
    step->writable = IS("bind-writable");
    return (step->source = word()) != NULL && (step->place = word()) != NULL;
  }
  if (IS("cover")) return (step = add(plan, MOUNT_COVER)) != NULL && (step->place = word()) != NULL;
  if (IS("devices")) {
    if ((step = add(plan, MOUNT_DEVICES)) == NULL) return false;
    step->place = "/dev";
    return (step->items = list(&step->count)) != NULL;
  }
  if (IS("merge")) { // read-only
    if ((step = add(plan, MOUNT_OVERLAY)) == NULL) return false;
    return (step->place = word()) != NULL && (step->items = list(&step->count)) != NULL;
  }
  if (IS("overlay") || IS("overlay-around")) {
    if ((step = add(plan, MOUNT_OVERLAY)) == NULL) return false;
    return (step->place = word()) != NULL && (step->source = word()) != NULL && (step->work = word()) != NULL &&
           (IS("overlay") || (step->empty = word()) != NULL) && (step->items = list(&step->count)) != NULL;
  }
  if (IS("workspace")) return (plan->workspace = word()) != NULL && (plan->project = word()) != NULL;
  if (IS("shadows")) return (plan->shadows = list(&plan->shadow_count)) != NULL;
  if (IS("placed")) return (plan->placed = list(&plan->placed_count)) != NULL;
  if (IS("skipped")) return (plan->skipped = list(&plan->skipped_count)) != NULL;
  if (IS("exposed")) return (plan->exposed = list(&plan->exposed_count)) != NULL;
  if (IS("ignored")) return (plan->ignored = list(&plan->ignored_count)) != NULL;
  if (IS("host")) return (plan->host = word()) != NULL;
  if (IS("last-process")) return (plan->last_process = number()) > 0;
  if (IS("processors")) return (plan->processors = number()) > 0;
  if (IS("listings")) return (plan->listings = word()) != NULL;
  if (IS("folder")) return (plan->folder = word()) != NULL;
  if (IS("program")) return (plan->program = word()) != NULL;
  if (IS("arguments")) return (plan->arguments = (char **)list(&ignored)) != NULL;
  if (IS("environment")) return (plan->environment = (char **)list(&ignored)) != NULL;
#undef IS
  return false;
}

bool read_plan(struct plan *plan) {
  memset(plan, 0, sizeof *plan);
  struct stat status;
  if (fstat(PLAN_FILE, &status) < 0 || status.st_size <= 0) return false;
  const size_t size = (size_t)status.st_size;
  const char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, PLAN_FILE, 0);
  if (text == MAP_FAILED || text[size - 1] != 0) return false;
  at = text;
  end = text + size;
  const char *version = word();
  if (version == NULL || strcmp(version, "rung-step 1") != 0) return false;
  for (const char *name; (name = word()) != NULL;) {
    if (!read_word(plan, name)) return false;
  }
  return plan->folder != NULL && plan->program != NULL && plan->arguments != NULL && plan->environment != NULL;
}
