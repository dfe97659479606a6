// Starts a program in another place, as the process that this one is: its process id stays.
//
//   launcher [--mount-namespace FILE] [--cgroups FILE] [--descriptor NUMBER=SOURCE]... -- COMMAND [ARGUMENT]...
//     --mount-namespace   such as /proc/PID/ns/mnt; working folder and root are that namespace's then
//     --cgroups           /proc/PID/cgroup, or a file that looks like it
//     --descriptor        the program has this descriptor, which is a file that is opened, or a duplicate of the one that
//                         another process has: PID:NUMBER
// All that is named is opened here and now, before the namespace is entered. If something cannot be done nothing is started,
// a line on standard error says why, and it exits with 125.
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <sys/syscall.h>

static int fail(const char *what, const char *which);

#include "cgroups.h"

enum { MOST_DESCRIPTORS = 64, LARGEST_NUMBER = 255, CANNOT = 125 };

static struct {
  int number, source;
} descriptors[MOST_DESCRIPTORS];
static int count;

static int fail(const char *what, const char *which) {
  fprintf(stderr, "cannot %s %s: %s\n", what, which, strerror(errno));
  return -1;
}

static bool number(const char *text, char end, long most, int *value) {
  char *after;
  errno = 0;
  long found = strtol(text, &after, 10);
  if (errno || after == text || *text == '-' || *after != end || found > most) return false;
  *value = (int)found;
  return true;
}

// A namespace can be opened for reading only.
static int open_file(const char *path) {
  int file = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
  return file < 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : file;
}

static int duplicate(int process, int descriptor) {
  int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
  if (pidfd < 0) return -1;
  int file = (int)syscall(SYS_pidfd_getfd, pidfd, descriptor, 0);
  int failure = errno;
  close(pidfd);
  errno = failure;
  return file;
}

static int take_descriptor(const char *text) {
  int process, other, file;
  const char *source = strchr(text, '=');
  errno = EINVAL;
  if (!source || count == MOST_DESCRIPTORS || !number(text, '=', LARGEST_NUMBER, &descriptors[count].number))
    return fail("understand", text);
  const char *colon = strchr(++source, ':');
  if (*source == '/') {
    file = open_file(source);
  } else {
    if (!colon || !number(source, ':', 1 << 22, &process) || !number(colon + 1, 0, 1 << 20, &other))
      return fail("understand", text);
    file = duplicate(process, other);
  }
  if (file < 0) return fail("open", source);
  // Out of the way of all that are wanted.
  int away = fcntl(file, F_DUPFD_CLOEXEC, LARGEST_NUMBER + 1);
  if (away < 0) return fail("keep", source);
  close(file);
  descriptors[count++].source = away;
  return 0;
}

static int place_descriptors(void) {
  for (int i = 0; i < count; i++)
    if (dup2(descriptors[i].source, descriptors[i].number) < 0) return fail("give", "a descriptor");
  return 0;
}

int main(int argument_count, char **arguments) {
  static const struct option options[] = {{"mount-namespace", required_argument, NULL, 'm'},
                                          {"cgroups", required_argument, NULL, 'c'},
                                          {"descriptor", required_argument, NULL, 'd'},
                                          {NULL, 0, NULL, 0}};
  const char *namespace = NULL, *cgroups = NULL;
  int option, mounts = -1;
  while ((option = getopt_long(argument_count, arguments, "+", options, NULL)) != -1) {
    switch (option) {
      case 'm':
        namespace = optarg;
        break;
      case 'c':
        cgroups = optarg;
        break;
      case 'd':
        if (take_descriptor(optarg)) return CANNOT;
        break;
      default:
        return CANNOT;
    }
  }
  errno = EINVAL;
  if (optind >= argument_count) return fail("start", "nothing"), CANNOT;
  if (namespace && (mounts = open(namespace, O_RDONLY | O_CLOEXEC)) < 0) return fail("open", namespace), CANNOT;
  if (cgroups && join_cgroups(cgroups)) return CANNOT;
  if (namespace && setns(mounts, CLONE_NEWNS)) return fail("enter", namespace), CANNOT;
  if (place_descriptors()) return CANNOT;
  execvp(arguments[optind], arguments + optind);
  return fail("start", arguments[optind]), CANNOT;
}
