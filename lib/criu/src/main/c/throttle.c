// Gives the processes of a cgroup less time of the processors, and all of it back when nobody wants that any more: it
// outlives the agent that asked for it, which may be killed at any time.
//
//   throttle FOLDER own|found
//
// Reads orders from standard input, and answers each with one line on standard output:
//   MICROSECONDS PERIOD   so much in each period of so many microseconds, of all processors together
//   lift                  no limit
//   ok
//   no WHY
// At the end of its input it lifts the limit. It moves the processes of a folder of its own into the cgroup above it then, and
// removes it; one that was found stays.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_TRIES = 5000, PAUSE_NANOS = 2000000 };

static int put(int folder, const char *name, const char *format, ...) {
  char text[64];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(text, sizeof text, format, values);
  va_end(values);
  int file = openat(folder, name, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t written = write(file, text, length);
  int why = errno;
  close(file);
  errno = why;
  return written == length ? 0 : -1;
}

// Version 1 of cgroups has two files, version 2 one: Documentation/scheduler/sched-bwc.rst, admin-guide/cgroup-v2.rst.
static int limit(int folder, long microseconds, long period) {
  if (!faccessat(folder, "cpu.max", F_OK, 0)) return put(folder, "cpu.max", "%ld %ld", microseconds, period);
  // The quota may not be above what the period allows the cgroup above: first none.
  if (put(folder, "cpu.cfs_quota_us", "-1") || put(folder, "cpu.cfs_period_us", "%ld", period)) return -1;
  return put(folder, "cpu.cfs_quota_us", "%ld", microseconds);
}

static int lift(int folder) {
  if (!faccessat(folder, "cpu.max", F_OK, 0)) return put(folder, "cpu.max", "max");
  return put(folder, "cpu.cfs_quota_us", "-1");
}

// Again and again: what forks meanwhile is born where its parent is.
static int dissolve(const char *path, int folder) {
  int above = openat(folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (above < 0) return -1;
  for (int tries = 0; tries < MOST_TRIES; tries++) {
    char line[32];
    int members = openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    FILE *processes = members < 0 ? NULL : fdopen(members, "r");
    while (processes && fgets(line, sizeof line, processes))
      if (atoi(line) > 0) put(above, "cgroup.procs", "%d", atoi(line));
    if (processes) fclose(processes);
    if (!rmdir(path) || errno == ENOENT) return 0;
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NANOS}, NULL);
  }
  return -1;
}

int main(int count, char **arguments) {
  char line[64];
  sigset_t all;
  if (count != 3) {
    fprintf(stderr, "usage: throttle FOLDER own|found\n");
    return 1;
  }
  setsid();
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  int folder = open(arguments[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    perror(arguments[1]);
    return 1;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin)) {
    long microseconds, period;
    bool lifts = !strcmp(line, "lift\n");
    if (!lifts && sscanf(line, "%ld %ld", &microseconds, &period) != 2) printf("no order: %s", line);
    else if (lifts ? lift(folder) : limit(folder, microseconds, period)) printf("no %s\n", strerror(errno));
    else printf("ok\n");
  }
  int failed = lift(folder);
  if (!strcmp(arguments[2], "own")) failed |= dissolve(arguments[1], folder);
  return failed ? 1 : 0;
}
