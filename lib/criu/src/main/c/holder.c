// Holds processes still for a moment, while somebody else looks at their memory. It goes to its end with what it has begun if
// the agent that asked for it is killed: then they go on.
//
//   holder
//
// Reads orders from standard input, and answers each with one line on standard output:
//   MILLISECONDS MILLISECONDS PID...   how long to wait until all stand still, and how long to hold them at most; processes
//   held        none of their threads runs, and no other process has the memory of one of them; the next line ends that
//   no WHY      they were not, and are as they were
//   released    the answer to that line: until it came they were held
//   late        the same, but they were let go before it came
// It ends with its standard input.
//
// Each thread is stopped where it is about to go back to its own code, and goes on later as if nothing had happened: a system
// call that it was in is restarted by the kernel as after a SIGSTOP and SIGCONT, a stopped process stays stopped, signals
// wait. All are held or none: not if somebody traces one of them, or one sleeps uninterruptibly or is frozen.
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "tracing.h"

enum { MOST = 1 << 16 };

static struct {
  int to_stop, to_hold;
  size_t count;
  pid_t processes[MOST];
} order;

// One thread that stands of each that has not ended.
static pid_t standing[MOST];
static size_t standing_count;

// What came of it: the tracing is done by a child that shares this memory.
static bool held, in_time;

enum state { ENDED, HELD, SEIZED, FREE, UNKNOWN };

static enum state state_of(pid_t process, pid_t thread, pid_t tracer) {
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/%d/task/%d/status", process, thread);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
  enum state otherwise = errno == ENOENT || errno == ESRCH ? ENDED : UNKNOWN;
  if (file >= 0) close(file);
  if (length < 0) return otherwise;
  text[length] = 0;
  const char *state = strstr(text, "\nState:\t"), *traced = strstr(text, "\nTracerPid:\t");
  if (!state || !traced) return UNKNOWN;
  state += strlen("\nState:\t");
  if (*state == 'Z' || *state == 'X') return ENDED;
  if (atoi(traced + strlen("\nTracerPid:\t")) != tracer) return FREE;
  return *state == 't' ? HELD : SEIZED;
}

// Makes a thread stop unless it stands. Tells whether it has to be waited for; -1 if that cannot be done.
static int interrupt(pid_t process, pid_t thread, pid_t tracer, pid_t *stands) {
  enum state state = state_of(process, thread, tracer);
  if (state == HELD) *stands = thread;
  if (state == ENDED || state == HELD) return 0;
  if (state == UNKNOWN) return fail("/proc/PID/task/TID/status", thread);
  if (state == FREE && ptrace(PTRACE_SEIZE, thread, 0, 0)) {
    if (errno == ESRCH || state_of(process, thread, tracer) == ENDED) return 0;
    return fail("PTRACE_SEIZE", thread);
  }
  if (ptrace(PTRACE_INTERRUPT, thread, 0, 0) && errno != ESRCH) return fail("PTRACE_INTERRUPT", thread);
  return 1;
}

// Makes all threads of a process stop that do not stand, and adds them to some; -1 if that cannot be done.
static int interrupt_all(pid_t process, pid_t tracer, pid_t *threads, size_t *count) {
  char path[64];
  struct dirent *entry;
  pid_t stands = 0;
  int result = 0;
  snprintf(path, sizeof path, "/proc/%d/task", process);
  DIR *tasks = opendir(path);
  if (!tasks) return errno == ENOENT || errno == ESRCH ? 0 : fail("/proc/PID/task", process);
  while (result >= 0 && (entry = readdir(tasks))) {
    pid_t thread = atoi(entry->d_name);
    if (thread <= 0) continue;
    if (*count == MOST)
      result = refuse("more than %d threads", MOST);
    else if ((result = interrupt(process, thread, tracer, &stands)) > 0)
      threads[(*count)++] = thread;
  }
  closedir(tasks);
  if (stands) standing[standing_count++] = stands;
  return result < 0 ? -1 : 0;
}

static int settle(pid_t thread, int64_t deadline) {
  registers set;
  size_t length = 0;
  int stopped = await_event_stop(thread, deadline);
  if (!stopped) return refuse("thread %d did not stop in time", thread);
  // What has ended, or has another number since an execve(2), is not here any more when it is looked for again.
  if (stopped < 0 || get_registers(thread, &set, &length)) return 0;
  // Now, and not in the end, which may be this program's own.
  if (length == sizeof set && make_resumable(&set)) set_registers(thread, &set);
  return 0;
}

// Looks again until all are found standing. What stands starts no other thread, so by then there is none that was not seen.
static int stop_all(pid_t tracer, int64_t deadline) {
  static pid_t threads[MOST];
  for (;;) {
    size_t count = 0;
    standing_count = 0;
    for (size_t i = 0; i < order.count; i++)
      if (interrupt_all(order.processes[i], tracer, threads, &count)) return -1;
    if (!count) return 0;
    if (now() >= deadline) return refuse("thread %d did not stop in time, or another came after it", threads[0]);
    for (size_t i = 0; i < count; i++)
      if (settle(threads[i], deadline)) return -1;
  }
}

static int by_number(const void *left, const void *right) {
  pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;
  return (a > b) - (a < b);
}

// The kernel has an order of memories: kcmp(2). Who may not be asked, or has ended, is last.
static int by_memory(const void *left, const void *right) {
  long found = syscall(SYS_kcmp, *(const pid_t *)left, *(const pid_t *)right, KCMP_VM, 0, 0);
  return found == 0 ? 0 : found == 1 ? -1 : 1;
}

// A child has its parent's memory after vfork(2), until it calls execve(2), and may be of no process tree that was looked at.
static int require_none_shares(void) {
  struct dirent *entry;
  pid_t self = getpid();
  int result = 0;
  if (syscall(SYS_kcmp, self, self, KCMP_VM, 0, 0)) return fail("kcmp", self);
  qsort(standing, standing_count, sizeof *standing, by_memory);
  qsort(order.processes, order.count, sizeof *order.processes, by_number);
  DIR *all = opendir("/proc");
  if (!all) return fail("/proc", 0);
  while (!result && (entry = readdir(all))) {
    pid_t other = atoi(entry->d_name);
    if (other > 0 && !bsearch(&other, order.processes, order.count, sizeof other, by_number) &&
        bsearch(&other, standing, standing_count, sizeof other, by_memory))
      result = refuse("process %d has the memory of one of them", other);
  }
  closedir(all);
  return result;
}

// Its end lets go of all threads, also of those that did not stop.
static int hold(void *unused) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  (void)unused;
  if (stop_all(getpid(), now() + order.to_stop * 1000000ll) || require_none_shares()) return 1;
  held = true;
  printf("held\n");
  in_time = poll(&input, 1, order.to_hold) > 0;
  return 0;
}

static void carry_out(void) {
  static char stack[64 * 1024] __attribute__((aligned(64)));
  held = in_time = false;
  refuse("it has ended");
  pid_t tracer = clone(hold, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, NULL);
  if (tracer < 0) fail("clone", 0);
  while (tracer > 0 && waitpid(tracer, NULL, 0) < 0 && errno == EINTR) continue;
}

static bool take(char *text) {
  char *at = text;
  order.count = 0;
  order.to_stop = (int)strtol(at, &at, 10);
  order.to_hold = (int)strtol(at, &at, 10);
  for (;;) {
    char *before = at;
    long process = strtol(at, &at, 10);
    if (at == before) return order.count > 0;
    if (process <= 0 || order.count == MOST) return false;
    order.processes[order.count++] = (pid_t)process;
  }
}

int main(void) {
  sigset_t all;
  char *line = NULL;
  size_t size = 0;
  setsid();
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  ask_to_be_spared();
  // To sleep no longer than it says: others stand still meanwhile.
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (getline(&line, &size, stdin) > 0) {
    if (!take(line)) {
      printf("no order\n");
      continue;
    }
    carry_out();
    if (!held) {
      printf("no %s\n", why);
      continue;
    }
    if (getline(&line, &size, stdin) <= 0) break;
    printf(in_time ? "released\n" : "late\n");
  }
  return 0;
}
