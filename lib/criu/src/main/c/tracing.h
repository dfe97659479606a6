// What the programs here have in common that stop threads of other processes with ptrace(2). To be included once, by a
// program that is one file.
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  LOOK_AGAIN_NANOS = 20000,
  // linux/ptrace.h, which cannot be included together with sys/ptrace.h.
  EVENT_STOP = 128,
  // linux/errno.h; never seen by programs.
  ERESTARTNOHAND = 514,
};

#if defined __x86_64__ || defined __aarch64__
typedef struct user_regs_struct registers;
#else
#error "the registers of this architecture are not known"
#endif

// Why something was not done.
static char why[300];

static int refuse(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(why, sizeof why, format, values);
  va_end(values);
  why[strcspn(why, "\n")] = 0;
  return -1;
}

static int fail(const char *what, pid_t thread) {
  return refuse("%s(%d): %s", what, thread, strerror(errno));
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static int get_registers(pid_t thread, registers *found, size_t *length) {
  struct iovec set = {found, sizeof *found};
  if (ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &set)) return fail("PTRACE_GETREGSET", thread);
  *length = set.iov_len;
  return 0;
}

static int set_registers(pid_t thread, registers *wanted) {
  struct iovec set = {wanted, sizeof *wanted};
  if (ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &set)) return fail("PTRACE_SETREGSET", thread);
  return 0;
}

// Some calls do not tell a stop from a signal and return EINTR, signal(7): epoll_wait(2), sigtimedwait(2), semop(2) and
// io_getevents(2). They are made to look as pause(2) does, which the kernel restarts unless there is a signal to be handled.
// Tells whether that was so.
static bool make_resumable(registers *set) {
#if defined __x86_64__
  static const long interrupted_by_stops[] = {SYS_semop,      SYS_rt_sigtimedwait, SYS_io_getevents,   SYS_semtimedop,
                                              SYS_epoll_wait, SYS_epoll_pwait,     SYS_io_pgetevents, SYS_epoll_pwait2};
  if ((long)set->rax != -EINTR) return false;
  for (size_t i = 0; i < sizeof interrupted_by_stops / sizeof *interrupted_by_stops; i++)
    if ((long)set->orig_rax == interrupted_by_stops[i]) {
      set->rax = -ERESTARTNOHAND;
      return true;
    }
#else
  (void)set;
#endif
  return false;
}

// The next stop of the thread, as wait(2) tells it; 0 if there is none in time, -1 if the thread has ended.
static int await_stop(pid_t thread, int64_t deadline) {
  bool bounded = deadline != INT64_MAX;
  for (;;) {
    int status;
    pid_t found = waitpid(thread, &status, __WALL | __WNOTHREAD | (bounded ? WNOHANG : 0));
    if (found == thread && WIFSTOPPED(status)) return status;
    if (found == thread) return refuse("thread %d has ended", thread);
    if (found < 0 && errno != EINTR) return fail("wait4", thread);
    if (!bounded) continue;
    if (now() >= deadline) return 0;
    // wait(2) has no limit of its own.
    nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NANOS}, NULL);
  }
}

static bool is_event_stop(int status) { return status >> 16 == EVENT_STOP; }

// After PTRACE_INTERRUPT: until it stands where it is about to go back to its own code, whatever call it was in. 0 if it does
// not come there in time, as from an uninterruptible wait; -1 if it has ended.
static int await_event_stop(pid_t thread, int64_t deadline) {
  for (;;) {
    int status = await_stop(thread, deadline);
    if (status <= 0) return status;
    if (is_event_stop(status)) return 1;
    // A signal on its way came first: it is delivered, then the thread stops.
    if (ptrace(PTRACE_CONT, thread, 0, WSTOPSIG(status))) return fail("PTRACE_CONT", thread);
  }
}

// Not to be chosen when memory is short: it has next to none, and a process may be in its hands.
static void ask_to_be_spared(void) {
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  if (write(file, "-1000", 5) < 0) perror("oom_score_adj");
  close(file);
}
