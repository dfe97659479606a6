// Watches what is written to files that a host keeps on a disk, until its standard input ends, then prints one JSON object.
// For deploy/quickstart, which claims that no byte of an image is.
//
// usage: disk_writes [IGNORED-FOLDER...]     e.g. where services keep their logs
//
// What counts as a disk: every writable mount of this mount namespace that does not live in memory by its kind (tmpfs,
// devtmpfs, proc and such). An overlay counts as a disk wherever its upper layer is, because on the testbed it stands for
// a host's root file system. The kernel reports (fanotify(7)) each file on these mounts that was written to or closed
// after having been open for writing, including files that were deleted meanwhile. Only writes through this mount
// namespace are seen, so writes of other hosts are not.
//
// Prints {"files":N,"bytes":N,"names":["..."]}: bytes is the sum of the largest size seen of each file; up to 20 names.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_FILES = 4096, MOST_NAMES = 20 };

static struct file {
  dev_t device;
  ino_t inode;
  off_t size;
  char name[256];
} files[MOST_FILES];
static unsigned count;

static bool in_memory(const char *type) {
  static const char *const types[] = {"tmpfs", "devtmpfs", "ramfs", "proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts",
                                      "hugetlbfs", "debugfs", "tracefs", "securityfs", "bpf", "nsfs", "pstore", "fusectl",
                                      "configfs", "binfmt_misc", "autofs"};
  for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
    if (!strcmp(type, types[i])) return true;
  }
  return false;
}

// proc_pid_mountinfo(5): "id parent major:minor root mountpoint options [tags...] - type source superoptions"
static unsigned watch_mounts(int group) {
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  char line[8192], point[4096], options[1024], type[64];
  unsigned watched = 0;
  if (!mounts) return 0;
  while (fgets(line, sizeof line, mounts)) {
    const char *rest = strstr(line, " - ");
    if (!rest || sscanf(line, "%*d %*d %*s %*s %4095s %1023s", point, options) != 2 || sscanf(rest, " - %63s", type) != 1) {
      fprintf(stderr, "disk_writes: cannot read the mount: %s", line);
      exit(1);
    }
    if (in_memory(type) || strncmp(options, "rw", 2)) continue;
    if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_MODIFY | FAN_CLOSE_WRITE, AT_FDCWD, point)) {
      fprintf(stderr, "disk_writes: cannot watch %s: %s\n", point, strerror(errno));
      exit(1);
    }
    watched++;
  }
  fclose(mounts);
  return watched;
}

static void record(int descriptor, char **ignored) {
  char link[64], name[256] = "";
  struct stat status;
  if (fstat(descriptor, &status) || !S_ISREG(status.st_mode)) return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, name, sizeof name - 1);
  name[length > 0 ? length : 0] = 0;
  for (; *ignored; ignored++) {
    size_t prefix = strlen(*ignored);
    if (!strncmp(name, *ignored, prefix) && (name[prefix] == '/' || !name[prefix])) return;
  }
  unsigned i = 0;
  while (i < count && (files[i].device != status.st_dev || files[i].inode != status.st_ino)) i++;
  if (i == MOST_FILES) {
    fprintf(stderr, "disk_writes: more than %d files\n", MOST_FILES);
    exit(1);
  }
  if (i == count) {
    count++;
    files[i] = (struct file){.device = status.st_dev, .inode = status.st_ino};
    memcpy(files[i].name, name, sizeof name);
  }
  if (status.st_size > files[i].size) files[i].size = status.st_size;
}

static void read_events(int group, char **ignored) {
  static _Alignas(struct fanotify_event_metadata) char buffer[64 << 10];
  ssize_t length = read(group, buffer, sizeof buffer);
  struct fanotify_event_metadata *event = (void *)buffer;
  for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
    if (event->mask & FAN_Q_OVERFLOW) {
      fprintf(stderr, "disk_writes: missed events\n");
      exit(1);
    }
    if (event->fd >= 0) {
      record(event->fd, ignored);
      close(event->fd);
    }
  }
}

int main(int argument_count, char **arguments) {
  int group = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE, O_RDONLY | O_LARGEFILE | O_CLOEXEC);
  if (group < 0) {
    fprintf(stderr, "disk_writes: fanotify: %s\n", strerror(errno));
    return 1;
  }
  (void)argument_count;
  fprintf(stderr, "disk_writes: watching %u mounts\n", watch_mounts(group));
  struct pollfd sources[2] = {{.fd = group, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
  for (bool open = true; open;) {
    char ignored_input[64];
    if (poll(sources, 2, -1) < 0 && errno != EINTR) return 1;
    if (sources[1].revents) open = read(0, ignored_input, sizeof ignored_input) > 0;
    read_events(group, arguments + 1);
  }
  for (struct pollfd last = sources[0]; poll(&last, 1, 0) > 0;) read_events(group, arguments + 1);
  long long bytes = 0;
  for (unsigned i = 0; i < count; i++) bytes += files[i].size;
  printf("{\"files\":%u,\"bytes\":%lld,\"names\":[", count, bytes);
  for (unsigned i = 0; i < count && i < MOST_NAMES; i++) {
    printf("%s\"", i ? "," : "");
    for (const char *c = files[i].name; *c; c++) putchar(*c == '"' || *c == '\\' || (unsigned char)*c < ' ' ? '_' : *c);
    printf("\"");
  }
  printf("]}\n");
  return 0;
}
