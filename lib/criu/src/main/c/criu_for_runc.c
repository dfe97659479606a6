// What runc takes for CRIU while an agent drives the real one. It takes runc's request, and tells runc of what the agent
// does in the words of CRIU's notifications and answers (images/rpc.proto), at the agent's order.
//
//   criu swrk DESCRIPTOR
//
// Environment:
//   LONGSHORE_CRIU_BEHIND       the real CRIU: what is not a request to dump or restore is given to it
//   LONGSHORE_STAND_IN   a folder for this one exchange, which only its owner can look into
//
// What it puts there:
//   cgroups   of a restore: /proc/PID/cgroup of this process when runc had made the container's and put it into them. It
//             leaves them at once, for it counts there, and runc could not remove them
//   socket    where it takes orders; the last one who connects gives them
//   request   as runc wrote it; when this is there, so is the rest
//   error     why it gave up
//
// Orders, of a line; each is answered with one line, "ok" or "no WHY":
//   state              answers "state dump|restore PID", its own, and the last notification that runc answered and its process
//   notify NAME PID    tells runc and waits for its answer
//   done               answers runc that all went well, and ends: of a restore after post-restore only
//   fail WHY           answers runc that it failed, and ends
// It ends when runc has ended, and says "gone" to who is connected then.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int fail(const char *what, const char *which);

#include "cgroups.h"

enum { LONGEST_REQUEST = 1 << 20, LONGEST_ANSWER = 1024, LONGEST_ORDER = 256 };

// enum criu_req_type
enum { NO_TYPE = 0, DUMP = 1, RESTORE = 2, NOTIFY = 6 };

static int runc, folder = -1, listener = -1, agent = -1;
static uint64_t type;

static char order[LONGEST_ORDER];
static size_t order_length;

// The notification that runc was told last, whether its answer is waited for, and whether by the agent that is connected.
static char script[64];
static int root;
static bool waits, agent_waits;

static char told[64];
static int told_root;

// --- protocol buffers -------------------------------------------------------------------------------------------------

struct bytes {
  const uint8_t *at, *end;
};

static bool take_varint(struct bytes *from, uint64_t *value) {
  *value = 0;
  for (int shift = 0; shift < 64 && from->at < from->end; shift += 7) {
    uint8_t byte = *from->at++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// The value of a field that is a number; 0 if there is none, or all of it cannot be understood.
static uint64_t number_in(const uint8_t *message, size_t length, uint64_t field) {
  struct bytes from = {message, message + length};
  uint64_t tag, value, found = 0;
  while (from.at < from.end) {
    if (!take_varint(&from, &tag)) return 0;
    switch (tag & 7) {
      case 0:
        if (!take_varint(&from, &value)) return 0;
        if (tag >> 3 == field) found = value;
        continue;
      case 1:
        value = 8;
        break;
      case 2:
        if (!take_varint(&from, &value)) return 0;
        break;
      case 5:
        value = 4;
        break;
      default:
        return 0;
    }
    if (value > (uint64_t)(from.end - from.at)) return 0;
    from.at += value;
  }
  return found;
}

struct answer {
  uint8_t bytes[LONGEST_ANSWER];
  size_t length;
};

static void put_varint(struct answer *to, uint64_t value) {
  do to->bytes[to->length++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
  while (value >>= 7);
}

static void put_number(struct answer *to, uint64_t field, uint64_t value) {
  put_varint(to, field << 3);
  put_varint(to, value);
}

static void put_bytes(struct answer *to, uint64_t field, const void *content, size_t length) {
  put_varint(to, field << 3 | 2);
  put_varint(to, length);
  memcpy(to->bytes + to->length, content, length);
  to->length += length;
}

// message criu_resp: type and success.
static struct answer begin_answer(uint64_t to, bool success) {
  struct answer answer = {.length = 0};
  put_number(&answer, 1, to);
  put_number(&answer, 2, success);
  return answer;
}

// --- what is said -----------------------------------------------------------------------------------------------------

static int send_to_runc(const struct answer *answer) {
  ssize_t sent;
  do sent = send(runc, answer->bytes, answer->length, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == (ssize_t)answer->length ? 0 : -1;
}

static void answer_agent(const char *format, ...) {
  char line[LONGEST_ORDER + 64];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(line, sizeof line - 1, format, values);
  va_end(values);
  if (length > (int)sizeof line - 2) length = sizeof line - 2;
  line[length++] = '\n';
  if (agent < 0 || send(agent, line, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT) == length) return;
  close(agent);
  agent = -1;
}

static void tell_failure(const char *why) {
  struct answer answer = begin_answer(type, false);
  put_number(&answer, 7, EIO);
  put_bytes(&answer, 9, why, strnlen(why, LONGEST_ORDER));
  send_to_runc(&answer);
}

static void write_all(int file, const void *content, size_t length) {
  for (const char *at = content; length;) {
    ssize_t written = write(file, at, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    at += written;
    length -= (size_t)written;
  }
}

// Gives up: the agent finds the words in a file, runc is told that it failed.
static _Noreturn void give_up(const char *why) {
  int file = folder < 0 ? -1 : openat(folder, "error", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file >= 0) write_all(file, why, strlen(why));
  fprintf(stderr, "%s\n", why);
  answer_agent("no %s", why);
  if (type != NO_TYPE) tell_failure(why);
  exit(1);
}

static int fail(const char *what, const char *which) {
  char why[LONGEST_ORDER];
  snprintf(why, sizeof why, "the stand-in for CRIU cannot %s %s: %s", what, which, strerror(errno));
  give_up(why);
}

static _Noreturn void runc_is_gone(void) {
  answer_agent("gone");
  exit(1);
}

// --- the request ------------------------------------------------------------------------------------------------------

static _Noreturn void become_criu(char **arguments) {
  const char *criu = getenv("LONGSHORE_CRIU_BEHIND");
  if (!criu) give_up("LONGSHORE_CRIU_BEHIND does not say where the real CRIU is");
  arguments[0] = (char *)criu;
  execv(criu, arguments);
  fail("start", criu);
  exit(1);
}

// Appears complete, and never replaces another.
static void write_down(const char *name, const void *content, size_t length) {
  struct stat written;
  int file = openat(folder, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) fail("make", name);
  write_all(file, content, length);
  if (fstat(file, &written) || written.st_size != (off_t)length) fail("write", name);
  close(file);
  if (renameat2(folder, "new", folder, name, RENAME_NOREPLACE)) fail("make", name);
}

static void leave_cgroups(void) {
  static char text[64 * 1024];
  char path[64];
  int file = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? -1 : read(file, text, sizeof text);
  if (length < 0) fail("read", "/proc/self/cgroup");
  close(file);
  write_down("cgroups", text, (size_t)length);
  // Those of runc, which never was in the container's.
  snprintf(path, sizeof path, "/proc/%d/cgroup", getppid());
  join_cgroups(path);
}

static void listen_for_agent(const char *where) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // By a relative path, which is never too long.
  if (listener < 0 || fchdir(folder) || bind(listener, (struct sockaddr *)&address, sizeof address) ||
      listen(listener, 4) || chdir("/"))
    fail("listen in", where);
}

static void take_request(char **arguments) {
  static uint8_t request[LONGEST_REQUEST];
  ssize_t length;
  do length = recv(runc, request, sizeof request, MSG_PEEK | MSG_TRUNC);
  while (length < 0 && errno == EINTR);
  if (length < 0) fail("receive from descriptor", arguments[2]);
  if (length == 0) exit(1);
  bool whole = length <= LONGEST_REQUEST;
  uint64_t asked = whole ? number_in(request, (size_t)length, 1) : NO_TYPE;
  if (whole && asked != DUMP && asked != RESTORE) become_criu(arguments);
  type = asked;
  if (recv(runc, request, sizeof request, 0) < 0) fail("receive from descriptor", arguments[2]);
  const char *where = getenv("LONGSHORE_STAND_IN");
  if (!where) give_up("LONGSHORE_STAND_IN does not name a folder");
  folder = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) fail("open", where);
  if (!whole) give_up("the request of runc is longer than a MiB");
  if (type == RESTORE) leave_cgroups();
  listen_for_agent(where);
  write_down("request", request, (size_t)length);
}

// --- orders -----------------------------------------------------------------------------------------------------------

static void notify(const char *name, int process) {
  struct answer answer = begin_answer(NOTIFY, true), notification = {.length = 0};
  put_bytes(&notification, 1, name, strlen(name));
  put_number(&notification, 2, (uint64_t)process);
  put_bytes(&answer, 5, notification.bytes, notification.length);
  snprintf(script, sizeof script, "%s", name);
  root = process;
  waits = agent_waits = true;
  if (send_to_runc(&answer)) runc_is_gone();
}

static void done(void) {
  if (type == RESTORE && strcmp(told, "post-restore")) {
    answer_agent("no runc was not told of post-restore yet");
    return;
  }
  struct answer answer = begin_answer(type, true), restored = {.length = 0};
  if (type == RESTORE) {
    put_number(&restored, 1, (uint64_t)told_root);
    put_bytes(&answer, 4, restored.bytes, restored.length);
  }
  if (send_to_runc(&answer)) runc_is_gone();
  answer_agent("ok");
  exit(0);
}

static void carry_out(char *line) {
  char name[40], end;
  int process;
  if (!strcmp(line, "state")) {
    answer_agent("state %s %d %s %d", type == DUMP ? "dump" : "restore", getpid(), *told ? told : "nothing", told_root);
  } else if (sscanf(line, "notify %39[a-z-] %7d%c", name, &process, &end) == 2 && process > 0) {
    notify(name, process);
  } else if (!strcmp(line, "done")) {
    done();
  } else if (!strncmp(line, "fail ", 5)) {
    tell_failure(line + 5);
    answer_agent("ok");
    exit(1);
  } else {
    answer_agent("no such order");
  }
}

// All whole lines, until runc has to be waited for.
static void carry_out_orders(void) {
  char *end;
  while (!waits && agent >= 0 && (end = memchr(order, '\n', order_length))) {
    char line[LONGEST_ORDER];
    size_t length = (size_t)(end - order);
    memcpy(line, order, length);
    line[length] = 0;
    order_length -= length + 1;
    memmove(order, end + 1, order_length);
    carry_out(line);
  }
  if (!waits && order_length == sizeof order) {
    answer_agent("no order is that long");
    close(agent);
    agent = -1;
  }
}

static void hear_agent(void) {
  ssize_t length = recv(agent, order + order_length, sizeof order - order_length, MSG_DONTWAIT);
  if (length < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (length <= 0) {
    close(agent);
    agent = -1;
    return;
  }
  order_length += (size_t)length;
  carry_out_orders();
}

static void accept_agent(void) {
  int next = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (next < 0) return;
  // The one before is an agent that is gone, or soon will be.
  if (agent >= 0) close(agent);
  agent = next;
  agent_waits = false;
  order_length = 0;
}

static void hear_runc(void) {
  static uint8_t message[LONGEST_ANSWER];
  ssize_t length = recv(runc, message, sizeof message, 0);
  if (length < 0 && errno == EINTR) return;
  if (length <= 0) runc_is_gone();
  if (!waits || number_in(message, (size_t)length, 1) != NOTIFY) give_up("runc said something that was not asked for");
  waits = false;
  bool taken = number_in(message, (size_t)length, 3);
  if (taken) {
    memcpy(told, script, sizeof told);
    told_root = root;
  }
  if (agent_waits && taken) answer_agent("ok");
  if (agent_waits && !taken) answer_agent("no runc did not take the notification %s", script);
  carry_out_orders();
}

int main(int count, char **arguments) {
  char *end;
  umask(077);
  errno = 0;
  long descriptor = count == 3 && !strcmp(arguments[1], "swrk") ? strtol(arguments[2], &end, 10) : -1;
  if (descriptor < 0 || errno || *end || end == arguments[2] || descriptor > INT_MAX) become_criu(arguments);
  runc = (int)descriptor;
  take_request(arguments);
  for (;;) {
    // An agent that has ended is not noticed while runc is waited for: nothing is read from it then.
    struct pollfd watched[] = {{.fd = runc, .events = POLLIN},
                               {.fd = listener, .events = POLLIN},
                               {.fd = waits ? -1 : agent, .events = POLLIN}};
    if (poll(watched, 3, -1) < 0 && errno != EINTR) fail("wait for", "orders");
    if (watched[0].revents)
      hear_runc();
    else if (watched[2].revents)
      hear_agent();
    else if (watched[1].revents)
      accept_agent();
  }
}
