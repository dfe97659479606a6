// Memory of every kind that a page scan meets. usage: mappings FOLDER [locked]; says that it is ready by making FOLDER/ready.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, MIB = 1 << 20 };

static char *map(size_t bytes, int protection, int flags, int file) {
  char *start = mmap(NULL, bytes, protection, flags, file, 0);
  if (start == MAP_FAILED) _exit(1);
  return start;
}

static void touch(char *start, size_t bytes) {
  for (size_t i = 0; i < bytes; i += PAGE) start[i] = (char)(i / PAGE + 1);
}

// CRIU scans the two MiB with both short mappings at once, and the long one, which goes on behind them, a second time. Touches
// so many pages at the start of the long one, which follows the second short one after a gap, or at once.
static void crowded(int pages, int gap) {
  int plain = PROT_READ | PROT_WRITE, fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  char *room = mmap(NULL, 8 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED || munmap(room, 8 * MIB)) _exit(1);
  room = (char *)(((unsigned long)room + 2 * MIB - 1) & ~(2ul * MIB - 1));
  touch(mmap(room, 4 * PAGE, plain, fixed, -1, 0), 4 * PAGE);
  char *second = mmap(room + 8 * PAGE, 10 * PAGE, plain, fixed, -1, 0);
  touch(second, 10 * PAGE);
  mprotect(second, 10 * PAGE, PROT_READ);
  touch(mmap(second + (10 + gap) * PAGE, 4 * MIB, plain, fixed, -1, 0), pages * PAGE);
}

static void *deep(void *ready) {
  volatile char stack[2 * MIB];
  for (size_t i = 0; i < sizeof stack; i += PAGE) stack[i] = 1;
  pthread_barrier_wait(ready);
  pause();
  return (void *)(long)stack[0];
}

int main(int count, char **arguments) {
  pthread_barrier_t ready;
  pthread_t thread;
  int plain = PROT_READ | PROT_WRITE;
  if (chdir(arguments[1])) return 1;
  int file = open("mapped", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, 4 * MIB)) return 1;
  // Long and whole; short pieces; a hole in a long one.
  touch(map(8 * MIB, plain, MAP_PRIVATE | MAP_ANONYMOUS, -1), 8 * MIB);
  char *sparse = map(8 * MIB, plain, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  for (int i = 0; i < 64; i++) touch(sparse + i * 32 * PAGE, PAGE * (1 + i % 3));
  char *holed = map(4 * MIB, plain, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  touch(holed, 4 * MIB);
  madvise(holed + MIB, MIB, MADV_DONTNEED);
  // Copied pages of a file, and its shared pages.
  touch(map(4 * MIB, plain, MAP_PRIVATE, file), 2 * MIB);
  touch(map(4 * MIB, plain, MAP_SHARED | MAP_ANONYMOUS, -1), 2 * MIB);
  // Read only by now.
  char *constant = map(2 * MIB, plain, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  touch(constant, 2 * MIB);
  mprotect(constant, 2 * MIB, PROT_READ);
  // Empty in a child.
  char *wiped = map(2 * PAGE, plain, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  touch(wiped, 2 * PAGE);
  if (madvise(wiped, 2 * PAGE, MADV_WIPEONFORK)) return 1;
  // Not readable at all.
  char *guarded = map(2 * MIB, plain, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  touch(guarded, 2 * MIB);
  mprotect(guarded, 2 * MIB, PROT_NONE);
  // Hidden in both scans; and, together with the short one before it, in the first scan only.
  crowded(100, 4);
  crowded(60, 0);
  touch(malloc(64 * 1024), 64 * 1024);
  pthread_barrier_init(&ready, NULL, 2);
  pthread_create(&thread, NULL, deep, &ready);
  pthread_barrier_wait(&ready);
  if (count > 2 && mlock(map(MIB, plain, MAP_PRIVATE | MAP_ANONYMOUS, -1), MIB)) return 1;
  if (!fork()) {
    touch(map(2 * MIB, plain, MAP_PRIVATE | MAP_ANONYMOUS, -1), 2 * MIB);
    close(open("child", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    pause();
  }
  while (access("child", F_OK)) usleep(1000);
  close(open("ready", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  pause();
  return 0;
}
