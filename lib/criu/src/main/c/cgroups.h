// How a process moves itself into cgroups, of version 1 and 2. To be included once, by a program that is one file and has
//   static int fail(const char *what, const char *which);
// which keeps or prints what failed with which file and why (errno), and returns -1.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A line of /proc/PID/cgroup, cut in place: which hierarchy, "" for version 2, and where in it. Both are in the line.
static bool cut_cgroup(char *line, char **controllers, char **path) {
  line[strcspn(line, "\n")] = 0;
  *controllers = strchr(line, ':');
  if (!*controllers) return false;
  *path = strchr(++*controllers, ':');
  if (!*path || (*path)[1] != '/') return false;
  *(*path)++ = 0;
  return true;
}

static bool has_option(const char *options, const char *wanted, size_t length) {
  for (; *options; options += strcspn(options, ","), options += *options == ',')
    if (strcspn(options, ",") == length && !strncmp(options, wanted, length)) return true;
  return false;
}

// As the kernel writes paths into mountinfo: \040 for a space.
static void unescape(char *text) {
  char *to = text;
  for (; *text; text++) {
    int value;
    if (*text == '\\' && sscanf(text + 1, "%3o", &value) == 1) {
      *to++ = (char)value;
      text += 3;
    } else {
      *to++ = *text;
    }
  }
  *to = 0;
}

// A line of /proc/self/mountinfo: where the root of a mount of the hierarchy is, and what of the hierarchy it shows.
static bool is_mount_of(char *line, const char *controllers, char **point, char **root) {
  char *rest = line, *save = NULL, *halves = strstr(line, " - ");
  if (!halves) return false;
  *halves = 0;
  for (int field = 0; field < 5; field++) {
    char *text = strtok_r(rest, " ", &save);
    rest = NULL;
    if (!text) return false;
    if (field == 3) *root = text;
    if (field == 4) *point = text;
  }
  char *type = strtok_r(halves + 3, " \n", &save), *options = NULL;
  // The source of the mount, then the options of the file system.
  if (type && strtok_r(NULL, " \n", &save)) options = strtok_r(NULL, " \n", &save);
  if (!options) return false;
  unescape(*point);
  unescape(*root);
  if (!*controllers) return !strcmp(type, "cgroup2");
  return !strcmp(type, "cgroup") && has_option(options, controllers, strcspn(controllers, ","));
}

static int write_zero(const char *path) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return fail("open", path);
  // This process; cgroups(7).
  int result = write(file, "0", 1) == 1 ? 0 : fail("write", path);
  close(file);
  return result;
}

static int join_cgroup(const char *controllers, const char *path) {
  char *line = NULL, *point = NULL, *root = NULL;
  size_t size = 0;
  int result = 1;
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  if (!mounts) return fail("open", "/proc/self/mountinfo");
  while (result > 0 && getline(&line, &size, mounts) > 0) {
    if (!is_mount_of(line, controllers, &point, &root)) continue;
    size_t above = strcmp(root, "/") ? strlen(root) : 0;
    if (strncmp(path, root, above) || (path[above] && path[above] != '/')) continue;
    char file[4096];
    int length = snprintf(file, sizeof file, "%s%s/cgroup.procs", point, path + above);
    errno = ENAMETOOLONG;
    result = length < (int)sizeof file ? write_zero(file) : fail("cgroup", path);
  }
  free(line);
  fclose(mounts);
  errno = ENOENT;
  return result > 0 ? fail("find the mount of the cgroup", path) : result;
}

// Where this process is in a hierarchy; NULL if it is in none. To be freed.
static char *own_cgroup(const char *controllers) {
  char *line = NULL, *found = NULL, *each, *path;
  size_t size = 0;
  FILE *file = fopen("/proc/self/cgroup", "re");
  while (file && !found && getline(&line, &size, file) > 0)
    if (cut_cgroup(line, &each, &path) && !strcmp(each, controllers)) found = strdup(path);
  free(line);
  if (file) fclose(file);
  return found;
}

// Joins all cgroups that a file names which is /proc/PID/cgroup or looks like it; -1 if that cannot be done. Of a hierarchy
// that is mounted nowhere nothing can be joined, and nothing needs to be where this process is already.
static int join_cgroups(const char *file) {
  char *line = NULL, *controllers, *path;
  size_t size = 0;
  int result = 0;
  FILE *wanted = fopen(file, "re");
  if (!wanted) return fail("open", file);
  while (!result && getline(&line, &size, wanted) > 0) {
    errno = EINVAL;
    if (!cut_cgroup(line, &controllers, &path)) {
      result = fail("understand a line of", file);
      break;
    }
    char *own = own_cgroup(controllers);
    if (!own || strcmp(own, path)) result = join_cgroup(controllers, path);
    free(own);
  }
  if (!result && ferror(wanted)) result = fail("read", file);
  free(line);
  fclose(wanted);
  return result;
}
