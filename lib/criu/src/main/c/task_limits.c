// Preloaded into criu dump: the limits of processes of another user. CRIU asks the kernel for each with prlimit64(2), which
// needs CAP_SYS_RESOURCE for a process of another user. Root on a node need not have it, but may read the same figures in
// /proc/PID/limits. CRIU makes the call by syscall(3), so that is what this is; other calls are passed on.
//
// It runs inside of whatever C library criu has and needs nothing of this machine's.
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

// struct rlimit64
struct limit {
  uint64_t soft, hard;
};

enum { SOFT_COLUMN = 26, HARD_COLUMN = 47, BUFFER = 4096 };

// The kernel's answer: -errno if it failed.
static long kernel(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return number;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "how a call to the kernel is made on this architecture"
#endif
}

// /proc/PID/ and a name
static void name_file(char *to, unsigned pid, const char *name) {
  char digits[12];
  int length = 0;
  for (const char *from = "/proc/"; *from;) *to++ = *from++;
  do digits[length++] = (char)('0' + pid % 10);
  while (pid /= 10);
  while (length) *to++ = digits[--length];
  while ((*to++ = *name++));
}

static uint64_t figure(const char *at) {
  uint64_t value = 0;
  if (*at == 'u') return UINT64_MAX;  // unlimited
  for (; *at >= '0' && *at <= '9'; at++) value = value * 10 + (uint64_t)(*at - '0');
  return value;
}

// A line of a heading, then one for each resource by its number (fs/proc/base.c, proc_pid_limits):
// Max open files            1024                 4096                 files
static int read_limit(int pid, int resource, struct limit *found) {
  char path[64], text[BUFFER];
  name_file(path, (unsigned)pid, "/limits");
  long file = kernel(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
  if (file < 0) return -1;
  long held = 0, length;
  while (held < BUFFER && (length = kernel(SYS_read, file, (long)(text + held), BUFFER - held, 0, 0, 0)) > 0) held += length;
  kernel(SYS_close, file, 0, 0, 0, 0, 0);
  long at = 0;
  for (int line = 0; line <= resource; line++) {
    while (at < held && text[at] != '\n') at++;
    at++;
  }
  long end = at;
  while (end < held && text[end] != '\n') end++;
  // A line that is not all there is none.
  if (end >= held || end - at <= HARD_COLUMN) return -1;
  text[end] = 0;
  found->soft = figure(text + at + SOFT_COLUMN);
  found->hard = figure(text + at + HARD_COLUMN);
  return 0;
}

// As the C library's, which takes a variable number of arguments: on both architectures they come as these do.
long syscall(long number, long a, long b, long c, long d, long e, long f);

long syscall(long number, long a, long b, long c, long d, long e, long f) {
  long result = kernel(number, a, b, c, d, e, f);
  // prlimit64(pid, resource, new, old)
  if (number == SYS_prlimit64 && result == -EPERM && a > 0 && b >= 0 && !c && d && !read_limit((int)a, (int)b, (struct limit *)d))
    return 0;
  if (result > -4096 && result < 0) {
    errno = (int)-result;
    return -1;
  }
  return result;
}
