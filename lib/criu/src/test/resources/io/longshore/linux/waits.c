// Waits in the kernel in one way, a number of times, and tells whether each wait ended as it would have undisturbed.
// usage: waits KIND FOLDER [ROUNDS]; writes its pid to FOLDER/pid, at the end "right" or what was wrong to FOLDER/result
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 25, MILLISECONDS = 40 };

static const char *folder;
static int channel[2], event;
static pid_t self;
static volatile sig_atomic_t handled;
static int word;

static void put(const char *name, const char *text) {
  char path[4096], scratch[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  snprintf(scratch, sizeof scratch, "%s/.%s", folder, name);
  int file = open(scratch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (write(file, text, strlen(text)) < 0) abort();
  close(file);
  rename(scratch, path);
}

static void check(int round, const char *what, long found, long expected) {
  char text[256];
  if (found == expected) return;
  snprintf(text, sizeof text, "round %d: %s is %ld, errno %s\n", round, what, found, strerrorname_np(errno));
  put("result", text);
  _exit(1);
}

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void pause_a_little(void) {
  struct timespec time = {0, MILLISECONDS * 1000000};
  nanosleep(&time, NULL);
}

static void handle(int signal) { handled += signal != 0; }

static void *wake(void *how) {
  for (;;) {
    pause_a_little();
    uint64_t one = 1;
    switch (*(char *)how) {
      case 'r': if (write(channel[1], "x", 1) != 1) abort(); break;
      case 'e': if (write(event, &one, 8) != 8) abort(); break;
      case 's': syscall(SYS_tgkill, self, self, SIGUSR1); break;
      case 'f':
        __atomic_add_fetch(&word, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
  }
  return how;
}

static void helper(const char *how) {
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (pthread_create(&thread, NULL, wake, (void *)how)) abort();
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int nap_on(void *unused) {
  for (;;) syscall(SYS_nanosleep, &(struct timespec){0, 1000000}, unused);
}

static void wait_once(const char *kind, int round) {
  struct timespec time = {0, MILLISECONDS * 1000000};
  struct epoll_event ready;
  long start = now();
  char byte;
  uint64_t count;
  if (!strcmp(kind, "nanosleep") || !strcmp(kind, "filtered") || !strcmp(kind, "shared")) {
    check(round, "nanosleep", nanosleep(&time, NULL), 0);
    check(round, "slept long enough", now() - start >= MILLISECONDS - 1, 1);
    check(round, "slept too long", now() - start > 10 * MILLISECONDS, 0);
  } else if (!strcmp(kind, "futex-timeout")) {
    check(round, "futex", syscall(SYS_futex, &word, FUTEX_WAIT, word, &time, NULL, 0), -1);
    check(round, "errno of futex", errno, ETIMEDOUT);
    check(round, "waited long enough", now() - start >= MILLISECONDS - 1, 1);
  } else if (!strcmp(kind, "futex-wake")) {
    int seen = __atomic_load_n(&word, __ATOMIC_SEQ_CST);
    long result = syscall(SYS_futex, &word, FUTEX_WAIT, seen, NULL, NULL, 0);
    check(round, "futex", result == 0 || errno == EAGAIN, 1);
    check(round, "woken by a change", __atomic_load_n(&word, __ATOMIC_SEQ_CST) == seen, 0);
  } else if (!strcmp(kind, "read")) {
    check(round, "read", read(channel[0], &byte, 1), 1);
    check(round, "byte", byte, 'x');
  } else if (!strcmp(kind, "epoll")) {
    static int set = -1;
    if (set < 0) {
      set = epoll_create1(0);
      struct epoll_event wanted = {.events = EPOLLIN};
      epoll_ctl(set, EPOLL_CTL_ADD, event, &wanted);
    }
    check(round, "epoll_wait", epoll_wait(set, &ready, 1, -1), 1);
    check(round, "eventfd", read(event, &count, 8), 8);
  } else if (!strcmp(kind, "sigwait")) {
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    check(round, "sigwaitinfo", sigwaitinfo(&usr1, NULL), SIGUSR1);
  } else if (!strcmp(kind, "sigsuspend")) {
    sigset_t none;
    sigemptyset(&none);
    int before = handled;
    check(round, "sigsuspend", sigsuspend(&none), -1);
    check(round, "errno of sigsuspend", errno, EINTR);
    check(round, "handled", handled - before, 1);
  } else if (!strcmp(kind, "vfork")) {
    pid_t child = vfork();
    if (!child) {
      struct timespec nap = {0, MILLISECONDS * 1000000};
      syscall(SYS_nanosleep, &nap, NULL);
      _exit(7);
    }
    int status;
    check(round, "waitpid", waitpid(child, &status, 0), child);
    check(round, "status", WEXITSTATUS(status), 7);
  } else if (!strcmp(kind, "compute")) {
    uint64_t a = 1, b = 1;
    double x = 1, y = 1;
    while (now() - start < MILLISECONDS)
      for (int i = 0; i < 10000; i++) {
        a = a * 6364136223846793005u + 1;
        b = b * 6364136223846793005u + 1;
        x = x * 1.0000001 + 0.5;
        y = y * 1.0000001 + 0.5;
        __asm__ volatile("" : "+r"(a), "+r"(b), "+x"(x), "+x"(y));
      }
    check(round, "registers", a == b && x == y, 1);
  } else {
    check(round, kind, 0, 1);
  }
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  folder = arguments[2];
  self = getpid();
  const char *kind = arguments[1];
  char text[32];
  if (pipe(channel)) return 1;
  event = eventfd(0, 0);
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigprocmask(SIG_BLOCK, &usr1, NULL);
  signal(SIGUSR1, handle);
  if (!strcmp(kind, "read")) helper("r");
  if (!strcmp(kind, "epoll")) helper("e");
  if (!strcmp(kind, "sigwait") || !strcmp(kind, "sigsuspend")) helper("s");
  if (!strcmp(kind, "futex-wake")) helper("f");
  if (!strcmp(kind, "shared")) {
    static char stack[16384] __attribute__((aligned(16)));
    if (clone(nap_on, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL) < 0) return 1;
  }
  if (!strcmp(kind, "filtered")) {
    // Kills on userfaultfd(2) and allows all else.
    struct { uint16_t code; uint8_t jt, jf; uint32_t k; } code[] = {
        {0x20, 0, 0, 0}, {0x15, 0, 1, SYS_userfaultfd}, {0x06, 0, 0, SECCOMP_RET_KILL_PROCESS}, {0x06, 0, 0, SECCOMP_RET_ALLOW}};
    struct { uint16_t length; void *filter; } program = {4, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 1;
  }
  snprintf(text, sizeof text, "%d\n", self);
  put("pid", text);
  int rounds = count > 3 ? atoi(arguments[3]) : ROUNDS;
  for (int round = 0; round < rounds; round++) wait_once(kind, round);
  put("result", "right\n");
  return 0;
}
