// Holds the userfaultfds of restored processes, so that their missing pages stay missing when the target-agent dies: the
// kernel fills them with zeros when the last descriptor is closed. It does nothing else, and outlives the agent.
//
//   keeper SOCKET
//
// Connects to the agent and takes orders of one byte:
//   h  with a descriptor (SCM_RIGHTS): holds it
//   c  answers how many it holds, 32 bits in this machine's byte order
//   d  ends: every page is there, or the processes are dead
// When the agent is gone it goes on holding until it is killed with SIGKILL; nothing else ends it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what) {
  perror(what);
  return 1;
}

// Not to be chosen when memory is short: it has next to none, and much depends on it.
static void ask_to_be_spared(void) {
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  if (write(file, "-1000", 5) < 0) perror("oom_score_adj");
  close(file);
}

// The next order, 0 when the agent is gone; with the descriptor that came with it, or -1.
static char receive(int agent, int *descriptor) {
  char order = 0;
  struct iovec vector = {&order, 1};
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t received;
  do received = recvmsg(agent, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  *descriptor = -1;
  if (received <= 0) return 0;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(sizeof(int)))
    memcpy(descriptor, CMSG_DATA(header), sizeof(int));
  return order;
}

int main(int count, char **arguments) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (count != 2 || strlen(arguments[1]) >= sizeof address.sun_path) {
    fprintf(stderr, "usage: keeper SOCKET\n");
    return 1;
  }
  strcpy(address.sun_path, arguments[1]);
  setsid();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  ask_to_be_spared();
  struct rlimit files;
  if (!getrlimit(RLIMIT_NOFILE, &files)) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  int agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (agent < 0) return fail("socket");
  if (connect(agent, (struct sockaddr *)&address, sizeof address)) return fail("connect");
  if (chdir("/")) return fail("chdir");

  uint32_t held = 0;
  char order;
  int descriptor;
  while ((order = receive(agent, &descriptor))) {
    // One that could not be taken, for want of a number, is not counted: the agent asks.
    if (order == 'h' && descriptor >= 0) held++;
    if (order == 'c' && write(agent, &held, sizeof held) != sizeof held) break;
    if (order == 'd') return 0;
  }
  close(agent);
  for (;;) pause();
}
