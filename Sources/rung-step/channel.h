// Between the step, before it is its program, and the watcher: one packet at a time, a descriptor with it or not.
#ifndef RUNG_STEP_CHANNEL_H
#define RUNG_STEP_CHANNEL_H

#include <stdint.h>

struct message {
  uint32_t stage; // of step.h; STAGE_NONE: all is well so far
  int32_t code;
  char detail[256];
};

// Sends a message, with a descriptor unless it is negative. 0, or -1 and errno.
int send_message(int channel, const struct message *message, int descriptor);
// Waits for a message. Its length; 0 when the other side is gone; -1 and errno. `descriptor`, if asked for, is -1 when
// none came along.
int receive_message(int channel, struct message *message, int *descriptor);

#endif
