// Does everything to its memory that a process can, in an order that a seed decides, until it is killed.
// usage: writer random FOLDER SEED [DEPTH]     a tree of up to seven processes of two threads each
//        writer quiet FOLDER PAGES             fills memory; on SIGUSR1 writes each hundredth page of it and says so
//        writer small FOLDER PAGES             as quiet, without huge pages
//        writer moving FOLDER PAGES            as small, but on SIGUSR1 it changes what is where and writes nothing: moves memory by
//                                              whole page tables, and drops some of it
// Writes its pid, and for 'quiet' the address, to FOLDER/ready.
#define _GNU_SOURCE
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// Should the test be killed, this belongs to nobody: then it ends by itself. Seconds.
#define LIFE 300

enum { PAGE = 4096, AREAS = 24, MOST_PAGES = 4096, HUGE = 2 << 20 };

static struct area {
  char *start;
  size_t pages;
  int in_pieces;  // more than one mapping, so it cannot be moved as one
} areas[AREAS];
static size_t total;
static uint64_t state;
static int children, depth;
static const char *folder;
static char *threads_own;

__attribute__((noreturn)) static void fail(int line) {
  dprintf(2, "writer: line %d: %s\n", line, strerror(errno));
  abort();
}

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static size_t below(size_t limit) { return next() % limit; }

static void say(const char *text) {
  char path[4096], scratch[4096];
  snprintf(path, sizeof path, "%s/ready", folder);
  snprintf(scratch, sizeof scratch, "%s/.ready", folder);
  int file = open(scratch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (write(file, text, strlen(text)) < 0) fail(__LINE__);
  close(file);
  rename(scratch, path);
}

static void scribble(char *page) {
  for (int i = 0; i < 4; i++) ((uint64_t *)page)[below(PAGE / 8)] = next();
}

static void *write_on(void *unused) {
  uint64_t value = (uint64_t)getpid();
  for (;;) {
    value = value * 6364136223846793005u + 1442695040888963407u;
    *(volatile uint64_t *)(threads_own + value % (64 * PAGE / 8) * 8) = value;
    if (value % 64 == 0) usleep(50);
  }
  return unused;
}

static void start_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, write_on, NULL)) fail(__LINE__);
}

static void write_some(struct area *area) {
  size_t count = 1 + below(area->pages < 32 ? area->pages : 32);
  for (size_t i = 0; i < count; i++) scribble(area->start + below(area->pages) * PAGE);
}

static void map_new(struct area *area) {
  size_t huge = below(8) == 0;
  size_t pages = huge ? 2 * HUGE / PAGE : 1 + below(128);
  if (total + pages > MOST_PAGES) return;
  char *start = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) fail(__LINE__);
  if (huge) madvise(start, pages * PAGE, MADV_HUGEPAGE);
  *area = (struct area){start, pages, 0};
  total += pages;
  write_some(area);
}

static void unmap(struct area *area) {
  size_t part = below(2) ? area->pages : 1 + below(area->pages);
  munmap(area->start + (area->pages - part) * PAGE, part * PAGE);
  area->pages -= part;
  total -= part;
  if (!area->pages) area->start = NULL;
}

static void map_again(struct area *area) {
  char *start = mmap(area->start, area->pages * PAGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (start != area->start) fail(__LINE__);
  area->in_pieces = 0;
  if (below(2)) write_some(area);
}

static void move(struct area *area) {
  if (area->in_pieces) return;
  size_t pages = below(2) ? area->pages : 1 + below(area->pages * 2);
  if (total - area->pages + pages > MOST_PAGES) return;
  char *to = area->start, *moved;
  if (below(2)) {
    to = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    moved = mremap(area->start, area->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
  } else {
    moved = mremap(area->start, area->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);
  }
  if (moved == MAP_FAILED) {
    // A tracker that saw another mapping here a moment ago may have cut this one in two, for a while.
    if (errno != EFAULT) fail(__LINE__);
    if (to != area->start) munmap(to, pages * PAGE);
    map_again(area);  // it may have been cut already
    return;
  }
  total += pages - area->pages;
  *area = (struct area){moved, pages, 0};
  if (below(2)) write_some(area);
}

static void shift(char *from, char *to, size_t pages) {
  if (mremap(from, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != MAP_FAILED) return;
  if (errno != EFAULT) fail(__LINE__);
  if (mmap(to, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != to) fail(__LINE__);
}

static void swap(struct area *area, struct area *other) {
  // Two ranges change places, so that each has pages that were known at other addresses.
  size_t pages = area->pages < other->pages ? area->pages : other->pages;
  if (area == other || area->in_pieces || other->in_pieces) return;
  area->in_pieces = pages < area->pages;
  other->in_pieces = pages < other->pages;
  char *aside = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  shift(area->start, aside, pages);
  shift(other->start, area->start, pages);
  shift(aside, other->start, pages);
  munmap(aside, pages * PAGE);
}

static void drop(struct area *area) {
  size_t from = below(area->pages), count = 1 + below(area->pages - from);
  madvise(area->start + from * PAGE, count * PAGE, below(4) ? MADV_DONTNEED : MADV_FREE);
  switch (below(3)) {
    case 0: write_some(area); break;
    case 1: *(volatile char *)(area->start + from * PAGE); break;
  }
}

static void protect(struct area *area) {
  mprotect(area->start, area->pages * PAGE, below(2) ? PROT_READ : PROT_NONE);
  if (below(2)) usleep(200);
  mprotect(area->start, area->pages * PAGE, PROT_READ | PROT_WRITE);
  write_some(area);
}

static void let_kernel_write(struct area *area) {
  int file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  size_t at = below(area->pages * PAGE);
  size_t length = area->pages * PAGE - at;
  if (read(file, area->start + at, length < 9000 ? length : 9000) < 0) fail(__LINE__);
  close(file);
}

__attribute__((noinline)) static void deepen_stack(int levels) {
  volatile char *frame = alloca(3 * PAGE);
  for (int i = 0; i < 3 * PAGE; i += 512) frame[i] = (char)next();
  if (levels) deepen_stack(levels - 1);
  *(volatile char *)frame;
}

static void change_heap(void) {
  static int grown;
  if (grown++ < 64) memset(sbrk(PAGE), (int)next(), PAGE);
}

static void allocate(void) {
  static char *held[16];
  int i = (int)below(16);
  free(held[i]);
  size_t size = below(4) ? 100 + below(8000) : 200000 + below(400000);
  held[i] = malloc(size);
  memset(held[i], (int)next(), size);
}

static void be_many(char **arguments) {
  while (children && waitpid(-1, NULL, WNOHANG) > 0) children--;
  size_t what = below(12);
  if (what < 3 && depth < 2 && children < 2) {
    uint64_t seed = next();
    pid_t child = fork();
    if (child < 0) fail(__LINE__);
    if (child) {
      children++;
      return;
    }
    alarm(LIFE);
    state = seed | 1;
    children = 0;
    depth++;
    start_thread();
  } else if (what == 3 && !children) {
    char seed[32], own_depth[16];
    snprintf(seed, sizeof seed, "%lu", next());
    snprintf(own_depth, sizeof own_depth, "%d", depth + 8);
    execl("/proc/self/exe", arguments[0], "random", folder, seed, own_depth, NULL);
    fail(__LINE__);
  } else if (what == 4 && depth && !children) {
    _exit(0);
  }
}

static void be_random(char **arguments) {
  threads_own = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  start_thread();
  for (uint64_t step = 0;; step++) {
    struct area *area = &areas[below(AREAS)];
    if (below(100) == 0) be_many(arguments);
    switch (below(24)) {
      case 0: deepen_stack((int)below(30)); break;
      case 1: change_heap(); break;
      case 2: allocate(); break;
      default:
        if (!area->start) map_new(area);
        else if (below(3)) write_some(area);
        else
          switch (below(8)) {
            case 0: unmap(area); break;
            case 1: map_again(area); break;
            case 2: case 3: move(area); break;
            case 4: drop(area); break;
            case 5: protect(area); break;
            case 6: let_kernel_write(area); break;
            case 7: {
              struct area *other = &areas[below(AREAS)];
              if (other->start) swap(area, other);
            }
          }
    }
    if (below(4) == 0) usleep((useconds_t)below(300));
  }
}

// Aligned, so that mremap(2) moves page tables as they are.
static char *map_aligned(size_t length) {
  char *start = mmap(NULL, length + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) fail(__LINE__);
  return (char *)(((uintptr_t)start + HUGE - 1) & -(uintptr_t)HUGE);
}

// Two halves change places, and some pages are zeros then.
static void move_about(char *memory, char *aside, size_t length) {
  size_t half = length / 2;
  shift(memory, aside, half / PAGE);
  shift(memory + half, memory, half / PAGE);
  shift(aside, memory + half, half / PAGE);
  madvise(memory + HUGE, 10 * PAGE, MADV_DONTNEED);
  for (int i = 0; i < 10; i++) *(volatile char *)(memory + HUGE + i * PAGE);
}

static void be_quiet(const char *kind, size_t pages) {
  int moving = !strcmp(kind, "moving");
  char text[64];
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigprocmask(SIG_BLOCK, &usr1, NULL);
  char *memory = map_aligned(pages * PAGE);
  char *aside = map_aligned(pages * PAGE);
  if (strcmp(kind, "quiet")) madvise(memory, pages * PAGE, MADV_NOHUGEPAGE);
  for (size_t i = 0; i < pages; i++) scribble(memory + i * PAGE);
  for (int round = 0;; round++) {
    snprintf(text, sizeof text, "%d %lu %d\n", getpid(), (uintptr_t)memory / PAGE, round);
    say(text);
    int signal;
    sigwait(&usr1, &signal);
    if (moving) move_about(memory, aside, pages * PAGE);
    else
      for (size_t i = 0; i < pages; i += 100) memory[i * PAGE]++;
  }
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  alarm(LIFE);
  folder = arguments[2];
  state = strtoull(arguments[3], NULL, 10) * 2654435761u | 1;
  if (strcmp(arguments[1], "random")) be_quiet(arguments[1], strtoull(arguments[3], NULL, 10));
  if (count > 4) {
    depth = atoi(arguments[4]) % 8;
  } else {
    char text[32];
    snprintf(text, sizeof text, "%d\n", getpid());
    say(text);
  }
  be_random(arguments);
}
