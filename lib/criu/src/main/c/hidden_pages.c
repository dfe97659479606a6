// Preloaded into criu dump: hides long runs of private anonymous pages from it, and writes down which. The agents move these
// pages; CRIU, which would splice each of them into a pipe while the tree is frozen and then use none, need not know them.
// What else CRIU does is not changed.
//
// Environment:
//   LONGSHORE_HIDDEN_PAGES   a file; for each run a line is appended: the process id, the first address and the one behind
//                            the last, the addresses in hexadecimal
//
// It runs inside of whatever C library criu has and needs nothing of this machine's. If it cannot write down what it hides,
// the scan fails, and so does the dump.
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

extern long syscall(long number, ...);
extern char *getenv(const char *name);

enum { PAGE = 4096, SHORTEST = 64 * PAGE, MOST_RANGES = 1 << 16, BUFFER = 1 << 16 };

// linux/fs.h
struct region {
  uint64_t start, end, categories;
};
struct scan {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGE_IS_FILE (1ull << 2)
#define PAGEMAP_SCAN (3ul << 30 | sizeof(struct scan) << 16 | 'f' << 8 | 16)

struct range {
  uint64_t start, end;
};

// Of one process: where pages may be hidden, ascending, no two adjacent.
static struct range ranges[MOST_RANGES];
static int count;
static long process;

static char buffer[BUFFER];

static long open_file(const char *path, int flags) { return syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600); }

static char *number(char *to, uint64_t value, unsigned base) {
  char digits[24];
  int length = 0;
  do digits[length++] = "0123456789abcdef"[value % base];
  while (value /= base);
  while (length) *to++ = digits[--length];
  return to;
}

static char *text(char *to, const char *from) {
  while (*from) *to++ = *from++;
  return to;
}

static int begins(const char *line, const char *with) {
  while (*with)
    if (*line++ != *with++) return 0;
  return 1;
}

static const char *hexadecimal(const char *from, uint64_t *value) {
  for (*value = 0;; from++) {
    int digit = *from >= '0' && *from <= '9' ? *from - '0' : *from >= 'a' && *from <= 'f' ? *from - 'a' + 10 : -1;
    if (digit < 0) return from;
    *value = *value << 4 | (unsigned)digit;
  }
}

// The process of /proc/PID/pagemap; 0 if the descriptor is another file.
static long process_of(int descriptor) {
  char path[64], target[64];
  *number(text(path, "/proc/self/fd/"), (unsigned)descriptor, 10) = 0;
  long length = syscall(SYS_readlinkat, AT_FDCWD, path, target, sizeof target - 1);
  if (length <= 0) return 0;
  target[length] = 0;
  if (!begins(target, "/proc/")) return 0;
  long pid = 0;
  const char *at = target + 6;
  for (; *at >= '0' && *at <= '9'; at++) pid = pid * 10 + (*at - '0');
  return begins(at, "/pagemap") && !at[8] ? pid : 0;
}

// Calls with each line of a file of /proc; -1 if it cannot be read or a line is too long.
static int each_line(long pid, const char *name, void (*with)(const char *line)) {
  char path[64];
  size_t held = 0;
  long length;
  *text(number(text(path, "/proc/"), (uint64_t)pid, 10), name) = 0;
  long file = open_file(path, O_RDONLY);
  if (file < 0) return -1;
  while ((length = syscall(SYS_read, file, buffer + held, sizeof buffer - 1 - held)) > 0) {
    held += (size_t)length;
    buffer[held] = 0;
    char *line = buffer;
    for (char *end = line; *end; end++) {
      if (*end != '\n') continue;
      *end = 0;
      with(line);
      line = end + 1;
    }
    size_t rest = (size_t)(buffer + held - line);
    for (size_t i = 0; i < rest; i++) buffer[i] = line[i];
    held = rest;
    if (held == sizeof buffer - 1) length = -1;
    if (length < 0) break;
  }
  syscall(SYS_close, file);
  return length < 0 ? -1 : 0;
}

static int locked;

static void look_for_locked(const char *line) {
  if (!begins(line, "VmLck:")) return;
  for (line += 6; *line; line++) locked |= *line >= '1' && *line <= '9';
}

// A line of /proc/PID/maps: 7f00-7f10 rw-p 00000000 00:00 0    [heap]
static void add_mapping(const char *line) {
  struct range found;
  line = hexadecimal(line, &found.start);
  if (*line++ != '-') return;
  line = hexadecimal(line, &found.end);
  // Private and readable: CRIU makes what is not readable so for itself, which is not seen here.
  if (*line++ != ' ' || line[0] != 'r' || line[3] != 'p') return;
  for (int fields = 0; fields < 3; fields++) {
    while (*line && *line != ' ') line++;
    while (*line == ' ') line++;
  }
  if (!begins(line, "0") || (line[1] && line[1] != ' ')) return;
  for (line++; *line == ' ';) line++;
  // Not [stack], [vdso] and the like.
  if (*line && !begins(line, "[heap]") && !begins(line, "[anon:")) return;
  if (count && ranges[count - 1].end == found.start)
    ranges[count - 1].end = found.end;
  else if (count < MOST_RANGES)
    ranges[count++] = found;
}

// CRIU has stopped the process when it scans it, so this does not change any more.
static void learn(long pid) {
  if (pid == process) return;
  process = pid;
  count = locked = 0;
  // Locked pages must be there when the process runs: they are CRIU's.
  if (each_line(pid, "/status", look_for_locked) || locked || each_line(pid, "/maps", add_mapping)) count = 0;
}

// Whether all of it is private anonymous memory.
static int is_ours(uint64_t start, uint64_t end) {
  int low = 0, high = count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (ranges[middle].end <= start)
      low = middle + 1;
    else
      high = middle;
  }
  return low < count && ranges[low].start <= start && end <= ranges[low].end;
}

static int may_hide(const struct region *region) {
  return region->end - region->start >= SHORTEST && is_ours(region->start, region->end);
}

static int write_out(long file, const char *end) {
  for (const char *at = buffer; at < end;) {
    long written = syscall(SYS_write, file, at, end - at);
    if (written <= 0) return -1;
    at += written;
  }
  return 0;
}

// What is left of the regions; -1 if it cannot be written down what is not.
static long hide(const char *list, struct region *regions, long found) {
  long file = open_file(list, O_WRONLY | O_APPEND | O_CREAT), kept = 0;
  if (file < 0) return -1;
  char *end = buffer;
  for (long i = 0; i < found; i++) {
    if (!may_hide(&regions[i])) {
      regions[kept++] = regions[i];
      continue;
    }
    end = number(end, (uint64_t)process, 10);
    *end++ = ' ';
    end = number(end, regions[i].start, 16);
    *end++ = ' ';
    end = number(end, regions[i].end, 16);
    *end++ = '\n';
    if (end > buffer + sizeof buffer - 64) {
      if (write_out(file, end)) return -1;
      end = buffer;
    }
  }
  int failed = write_out(file, end);
  syscall(SYS_close, file);
  return failed ? -1 : kept;
}

int ioctl(int descriptor, unsigned long request, void *argument);

int ioctl(int descriptor, unsigned long request, void *argument) {
  const char *list = request == PAGEMAP_SCAN ? getenv("LONGSHORE_HIDDEN_PAGES") : NULL;
  long pid = list ? process_of(descriptor) : 0;
  if (!pid) return (int)syscall(SYS_ioctl, descriptor, request, argument);
  learn(pid);
  struct scan *scan = argument, asked = *scan;
  if (is_ours(scan->start, scan->end)) {
    // No page of it is of a file. To find that out the kernel would look at each.
    scan->category_mask &= ~PAGE_IS_FILE;
    scan->category_inverted &= ~PAGE_IS_FILE;
    scan->return_mask &= ~PAGE_IS_FILE;
  }
  long found = syscall(SYS_ioctl, descriptor, request, argument);
  scan->category_mask = asked.category_mask;
  scan->category_inverted = asked.category_inverted;
  scan->return_mask = asked.return_mask;
  if (!count || found <= 0) return (int)found;
  found = hide(list, (struct region *)(uintptr_t)scan->vec, found);
  if (found < 0) errno = EIO;
  return (int)found;
}
