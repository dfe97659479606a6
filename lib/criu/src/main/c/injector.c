// Has other processes make a userfaultfd(2) for their own memory, and takes it over. It outlives the agent that asked for
// it, so that no process is left standing on changed registers when the agent is killed.
//
//   injector
//
// Reads orders from standard input, and answers each with one line on standard output:
//   PID MILLISECONDS ADDRESS NUMBER FLAGS   of a process; how long to wait for one of its threads to stop; where in it an
//                                           instruction calls the kernel, in hexadecimal; of userfaultfd(2); for it
//   ok DESCRIPTOR                           what it has taken over; the next line it reads says that somebody has a duplicate
//   no WHY                                  the process is as it was
//   closed                                  the answer to that line: it does not have it any more
// It ends with its standard input, when what it has begun is done.
//
// One thread of the process is stopped for two calls, a fraction of a millisecond, and then goes on as if nothing had
// happened: a system call that it was in is restarted by the kernel as after a SIGSTOP and SIGCONT, a stopped process stays
// stopped, signals wait. Nothing is written into its memory. Its seccomp filters do not see the calls. What cannot be done
// safely is not done: of a process that somebody traces, that has ended, sleeps uninterruptibly, is frozen, or runs 32-bit
// code.
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "tracing.h"

enum {
  MOST_TRIES = 8,
  // linux/ptrace.h, which cannot be included together with sys/ptrace.h.
  GET_RSEQ_CONFIGURATION = 0x420f,
  SUSPEND_SECCOMP = 1 << 21,
  SYSCALL_STOP = SIGTRAP | 0x80,
};

#if defined __x86_64__
static const unsigned char call_instruction[] = {0x0f, 0x05};
#define PROGRAM_COUNTER rip
#else
static const unsigned char call_instruction[] = {0x01, 0x00, 0x00, 0xd4};
#define PROGRAM_COUNTER pc
#endif

static struct {
  pid_t process;
  int milliseconds;
  unsigned long instruction;
  long number, flags;
} order;

// What came of it: the tracing is done by a child that shares this memory, and this table of descriptors.
static int taken;

// Whether the process can be tried again with another of its threads.
static bool untouched;

static bool read_memory(unsigned long address, void *to, size_t length) {
  struct iovec here = {to, length}, there = {(void *)address, length};
  return process_vm_readv(order.process, &here, 1, &there, 1, 0) == (ssize_t)length;
}

// Registers for one call of the kernel with one argument.
static void prepare_call(registers *set, long number, long first) {
  set->PROGRAM_COUNTER = order.instruction;
#if defined __x86_64__
  set->orig_rax = -1;  // It was in no call that would have to be restarted.
  set->rax = number;
  set->rdi = first;
  set->rsi = set->rdx = 0;
#else
  set->regs[8] = number;
  set->regs[0] = first;
  set->regs[1] = set->regs[2] = 0;
#endif
}

static long result_of_call(const registers *set) {
#if defined __x86_64__
  return (long)set->rax;
#else
  return (long)set->regs[0];
#endif
}

// A thread that is interrupted in a restartable sequence, rseq(2), is sent by the kernel to where it starts over. The kernel
// would not do so if the thread was made to run elsewhere in between.
static bool is_in_restartable_sequence(pid_t thread, unsigned long counter) {
  struct {
    uint64_t address;
    uint32_t size, signature, flags, padding;
  } registered;
  struct {
    uint32_t version, flags;
    uint64_t start, length, abort;
  } sequence;
  uint64_t description;
  // Older than Linux 5.13, or built without: nobody can use them there.
  if (ptrace((enum __ptrace_request)GET_RSEQ_CONFIGURATION, thread, sizeof registered, &registered) < 0 ||
      !registered.address)
    return false;
  return read_memory(registered.address + 8, &description, sizeof description) && description &&
         read_memory(description, &sequence, sizeof sequence) && counter - sequence.start < sequence.length;
}

// Stops it where it is about to go back to its own code, whatever call it was in; or where it would stand at once if it was
// stopped already and went on. It is not touched if it does not come there in time, as from an uninterruptible wait.
static int stop(pid_t thread, bool is_stopped, int64_t deadline) {
  if (ptrace(PTRACE_INTERRUPT, thread, 0, 0)) return fail("PTRACE_INTERRUPT", thread);
  if (is_stopped && ptrace(PTRACE_CONT, thread, 0, 0)) return fail("PTRACE_CONT", thread);
  int stopped = await_event_stop(thread, deadline);
  if (!stopped) return refuse("thread %d of process %d did not stop in time", thread, order.process);
  return stopped < 0 ? -1 : 0;
}

// No signal is delivered meanwhile. Without a limit: it is not as it was, so it cannot be let go.
static int resume_until(pid_t thread, int how, int wanted, bool *stop_signal_held_back) {
  for (;;) {
    if (ptrace(how, thread, 0, 0)) return fail("PTRACE_CONT", thread);
    int status = await_stop(thread, INT64_MAX);
    if (status < 0) return -1;
    if (is_event_stop(status) ? wanted == EVENT_STOP : WSTOPSIG(status) == wanted) return 0;
    // All signals are blocked but SIGSTOP, which cannot be; it is sent again at the end.
    if (!is_event_stop(status) && WSTOPSIG(status) == SIGSTOP) *stop_signal_held_back = true;
  }
}

// From one stop to the next before it goes on, so that the kernel finishes what it was doing.
static int stop_again(pid_t thread, bool *stop_signal_held_back) {
  if (ptrace(PTRACE_INTERRUPT, thread, 0, 0)) return fail("PTRACE_INTERRUPT", thread);
  return resume_until(thread, PTRACE_CONT, EVENT_STOP, stop_signal_held_back);
}

static int call(pid_t thread, const registers *before, long number, long first, long *result, bool *stop_signal_held_back) {
  registers set = *before;
  size_t length = 0;
  prepare_call(&set, number, first);
  if (set_registers(thread, &set) || resume_until(thread, PTRACE_SYSCALL, SYSCALL_STOP, stop_signal_held_back) ||
      resume_until(thread, PTRACE_SYSCALL, SYSCALL_STOP, stop_signal_held_back) || get_registers(thread, &set, &length))
    return -1;
  *result = result_of_call(&set);
  return 0;
}

static int take_over(pid_t thread, const registers *before, bool *stop_signal_held_back) {
  long made, closed;
  if (call(thread, before, order.number, order.flags, &made, stop_signal_held_back)) return -1;
  if (made < 0) return refuse("userfaultfd in process %d: %s", order.process, strerror((int)-made));
  int process = (int)syscall(SYS_pidfd_open, order.process, 0);
  int descriptor = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, (int)made, 0);
  if (descriptor < 0) fail("pidfd_getfd", order.process);
  if (process >= 0) close(process);
  if (call(thread, before, SYS_close, made, &closed, stop_signal_held_back) || descriptor < 0) {
    if (descriptor >= 0) close(descriptor);
    return -1;
  }
  taken = descriptor;
  return 0;
}

// Stops it outside of a restartable sequence.
static int stop_safely(pid_t thread, int64_t deadline, registers *before) {
  unsigned char code[sizeof call_instruction];
  for (int tries = 0; tries < MOST_TRIES; tries++) {
    size_t length = 0;
    // By the second stop the kernel has sent it out of the sequence.
    if (stop(thread, tries > 0, deadline) || get_registers(thread, before, &length)) return -1;
    if (length != sizeof *before || !read_memory(order.instruction, code, sizeof code) ||
        memcmp(code, call_instruction, sizeof code))
      return refuse("process %d runs other code than it did", order.process);
    if (!is_in_restartable_sequence(thread, before->PROGRAM_COUNTER)) return 0;
  }
  return refuse("process %d does not leave a restartable sequence", order.process);
}

static bool has_filters(pid_t thread) {
  char path[64], line[128];
  bool filtered = true;
  snprintf(path, sizeof path, "/proc/%d/task/%d/status", order.process, thread);
  FILE *status = fopen(path, "re");
  while (status && fgets(line, sizeof line, status))
    if (!strcmp(line, "Seccomp:\t0\n")) filtered = false;
  if (status) fclose(status);
  return filtered;
}

// Its seccomp filters cannot always be suspended: that takes CAP_SYS_ADMIN, and a kernel that knows how.
static int seize(pid_t thread) {
  if (!ptrace(PTRACE_SEIZE, thread, 0, PTRACE_O_TRACESYSGOOD | SUSPEND_SECCOMP)) return 0;
  if (errno != ESRCH && !has_filters(thread) && !ptrace(PTRACE_SEIZE, thread, 0, PTRACE_O_TRACESYSGOOD)) return 0;
  return fail("PTRACE_SEIZE", thread);
}

static int inject(pid_t thread, int64_t deadline) {
  registers before;
  uint64_t blocked, all = ~0ull;
  bool stop_signal_held_back = false;
  untouched = true;
  // What it does not stop itself goes on when this process ends.
  if (seize(thread) || stop_safely(thread, deadline, &before)) return -1;
  if (ptrace(PTRACE_GETSIGMASK, thread, sizeof blocked, &blocked)) return fail("PTRACE_GETSIGMASK", thread);
  if (ptrace(PTRACE_SETSIGMASK, thread, sizeof all, &all)) return fail("PTRACE_SETSIGMASK", thread);
  untouched = false;
  int result = take_over(thread, &before, &stop_signal_held_back);
  make_resumable(&before);
  if (set_registers(thread, &before) || stop_again(thread, &stop_signal_held_back) ||
      ptrace(PTRACE_SETSIGMASK, thread, sizeof blocked, &blocked) || ptrace(PTRACE_DETACH, thread, 0, 0)) {
    // It was killed meanwhile, which is all that can have happened.
    if (taken >= 0) close(taken);
    taken = -1;
    return refuse("process %d has ended", order.process);
  }
  if (stop_signal_held_back) kill(order.process, SIGSTOP);
  return result;
}

struct attempt {
  pid_t thread;
  int64_t deadline;
};

static int trace(void *argument) {
  const struct attempt *attempt = argument;
  return inject(attempt->thread, attempt->deadline) ? 1 : 0;
}

// With one of its threads after another, until one can be stopped.
static void carry_out(void) {
  static char stack[64 * 1024] __attribute__((aligned(64)));
  char path[64];
  struct dirent *entry;
  int64_t deadline = now() + order.milliseconds * 1000000ll;
  int tries = 0;
  refuse("process %d has no threads", order.process);
  snprintf(path, sizeof path, "/proc/%d/task", order.process);
  DIR *threads = opendir(path);
  while (threads && taken < 0 && (entry = readdir(threads))) {
    struct attempt attempt = {atoi(entry->d_name), deadline};
    if (attempt.thread <= 0) continue;
    if (tries++ == MOST_TRIES || (tries > 1 && now() >= deadline)) break;
    // In a process of its own, for only its end lets go of a thread that did not stop. It shares everything with this one,
    // which waits for it: memory, for its answer, and descriptors, for what it takes over.
    pid_t tracer = clone(trace, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &attempt);
    if (tracer < 0) {
      fail("clone", attempt.thread);
      break;
    }
    while (waitpid(tracer, NULL, 0) < 0 && errno == EINTR) continue;
    if (!untouched) break;
  }
  if (threads) closedir(threads);
}

int main(void) {
  sigset_t all;
  char line[200];
  setsid();
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  ask_to_be_spared();
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin)) {
    taken = -1;
    if (sscanf(line, "%d %d %lx %ld %ld", &order.process, &order.milliseconds, &order.instruction, &order.number,
               &order.flags) != 5)
      refuse("not an order: %s", line);
    else
      carry_out();
    if (taken < 0) {
      printf("no %s\n", why);
      continue;
    }
    printf("ok %d\n", taken);
    if (!fgets(line, sizeof line, stdin)) break;
    close(taken);
    printf("closed\n");
  }
  return 0;
}
