/*
 * Fills memory with a known pattern, in two tasks of two threads each, and tells on SIGUSR1 whether all of it is still as
 * written. usage: pattern MEBIBYTES RESULT
 */
#include <alloca.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t words;
static uint64_t *memory;

static uint64_t next(uint64_t x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ x << 17;
}

static void fill(uint64_t seed) {
  for (size_t i = 0; i < words; i++) memory[i] = seed = next(seed);
}

static int right(uint64_t seed) {
  for (size_t i = 0; i < words; i++)
    if (memory[i] != (seed = next(seed))) return 0;
  return 1;
}

static void *idle(void *unused) {
  for (;;) pause();
  return unused;
}

static void tell(const char *path, const char *what) {
  char temporary[4096];
  snprintf(temporary, sizeof temporary, "%s.new", path);
  int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (write(file, what, strlen(what)) < 0) abort();
  close(file);
  rename(temporary, path);
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  /*
   * CRIU takes every page of a task for a stack, and none for lazy, if a stack pointer is page-aligned (is_stack, mem.c).
   * Stacks begin anywhere, so this puts the pointer at the same place of its page each time.
   */
  volatile char *unused = alloca(((uintptr_t)__builtin_frame_address(0) & 4095) + 16);
  *unused = 0;
  size_t bytes = strtoull(arguments[1], 0, 10) << 20;
  words = bytes / sizeof *memory;
  memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigprocmask(SIG_BLOCK, &usr1, 0);

  int ask[2], answer[2];
  if (pipe(ask) || pipe(answer)) return 1;
  pid_t child = fork();
  if (child < 0) return 1;
  uint64_t seed = child ? 88172645463325252ull : 1181783497276652981ull;
  fill(seed);
  pthread_t thread;
  if (pthread_create(&thread, 0, idle, 0)) return 1;
  char byte = 1;
  if (!child) {
    close(answer[0]);
    close(ask[1]);
    do {
      if (write(answer[1], &byte, 1) != 1 || read(ask[0], &byte, 1) != 1) return 1;
      byte = (char)right(seed);
    } while (1);
  }
  if (read(answer[0], &byte, 1) != 1) return 1;
  tell(arguments[2], "filled\n");
  for (;;) {
    int signal;
    sigwait(&usr1, &signal);
    if (write(ask[1], &byte, 1) != 1 || read(answer[0], &byte, 1) != 1) return 1;
    tell(arguments[2], right(seed) && byte ? "right\n" : "wrong\n");
  }
}
