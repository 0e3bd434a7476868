#define _GNU_SOURCE
#include "channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union control {
  struct cmsghdr head;
  char room[CMSG_SPACE(sizeof(int))];
};

int send_message(int channel, const struct message *message, int descriptor) {
  struct message copy = *message;
  struct iovec part = {&copy, sizeof copy};
  union control control;
  memset(&control, 0, sizeof control);
  struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
  if (descriptor >= 0) {
    packet.msg_control = &control;
    packet.msg_controllen = sizeof control;
    struct cmsghdr *head = CMSG_FIRSTHDR(&packet);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &descriptor, sizeof(int));
  }
  return sendmsg(channel, &packet, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int receive_message(int channel, struct message *message, int *descriptor) {
  struct iovec part = {message, sizeof *message};
  union control control;
  struct msghdr packet = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (descriptor != NULL) *descriptor = -1;
  ssize_t length;
  while ((length = recvmsg(channel, &packet, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {}
  if (length <= 0) return (int)length;
  message->detail[sizeof message->detail - 1] = 0;
  struct cmsghdr *head = CMSG_FIRSTHDR(&packet);
  if (descriptor != NULL && head != NULL && head->cmsg_type == SCM_RIGHTS)
    memcpy(descriptor, CMSG_DATA(head), sizeof(int));
  return (int)length;
}
