// A workload that is moved to see whether moving works: a process, a thread and a child, each with memory whose content it
// knows, checks and changes all the time. It runs in a pid namespace of its own, so that it can be restored on the host
// on which its frozen original still has its pids. Started and asked by the source-agent (Canary.java).
//
// usage: canary FOLDER MEBIBYTES SECONDS
//   FOLDER     an empty folder for what follows; its working folder
//   MEBIBYTES  its memory in all
//   SECONDS    how long it lives at most, however it was left
//
// Prints its pid when all memory is filled, then goes on in the background. In FOLDER:
//   stay       made by it; it ends when this is removed
//   ask        a number: it checks all its memory and replaces
//   answer     that number, how many pages it checked since, how many were ever wrong
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, WORKERS = 3, PAUSE_MICROSECONDS = 400 };

// Shared by both processes.
struct account {
  atomic_ulong asked;
  struct {
    atomic_ulong answered, pages, wrong;
  } worker[WORKERS];
};

struct region {
  int worker;
  uint64_t (*page)[WORDS];
  uint64_t pages;
  uint32_t *version; // of each page
  uint64_t random;
};

static struct account *account;
static struct region region[WORKERS];
static struct timespec deadline;

static void fail(const char *what) {
  fprintf(stderr, "canary: %s: %s\n", what, strerror(errno));
  _exit(1);
}

static void *memory(size_t bytes, int kind) {
  void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) fail("mmap");
  return start;
}

// splitmix64
static uint64_t mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

static uint64_t key(const struct region *of, uint64_t index) {
  return mixed(((uint64_t)of->worker << 60) ^ (index << 32) ^ of->version[index]);
}

static void fill(struct region *of, uint64_t index) {
  uint64_t word = key(of, index);
  for (int i = 0; i < WORDS; i++) of->page[index][i] = word += 0x9e3779b97f4a7c15;
}

static void check(struct region *of, uint64_t index) {
  uint64_t word = key(of, index), difference = 0;
  for (int i = 0; i < WORDS; i++) difference |= of->page[index][i] ^ (word += 0x9e3779b97f4a7c15);
  atomic_fetch_add(&account->worker[of->worker].pages, 1);
  if (difference) atomic_fetch_add(&account->worker[of->worker].wrong, 1);
}

// One page anywhere, like a workload whose memory does not wait in order; then everything, if somebody asked.
static void work(struct region *of) {
  of->random = mixed(of->random);
  uint64_t index = of->random % of->pages;
  check(of, index);
  of->version[index]++;
  fill(of, index);
  unsigned long asked = atomic_load(&account->asked);
  if (asked && asked != atomic_load(&account->worker[of->worker].answered)) {
    for (uint64_t i = 0; i < of->pages; i++) check(of, i);
    atomic_store(&account->worker[of->worker].answered, asked);
  }
  usleep(PAUSE_MICROSECONDS);
}

static void *work_on(void *of) {
  for (;;) work(of);
  return NULL;
}

static unsigned long question(void) {
  char text[32] = "";
  int file = open("ask", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
  close(file);
  // A question that is still being written ends without a new line.
  return strchr(text, '\n') ? strtoul(text, NULL, 10) : 0;
}

static void answer(unsigned long asked) {
  unsigned long pages = 0, wrong = 0;
  for (int i = 0; i < WORKERS; i++) {
    if (atomic_load(&account->worker[i].answered) != asked) return;
    pages += atomic_load(&account->worker[i].pages);
    wrong += atomic_load(&account->worker[i].wrong);
  }
  FILE *file = fopen("answer.new", "we");
  if (!file) return;
  fprintf(file, "%lu %lu %lu\n", asked, pages, wrong);
  if (!fclose(file) && !rename("answer.new", "answer")) atomic_store(&account->asked, 0);
}

static int is_over(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec >= deadline.tv_sec || access("stay", F_OK);
}

static void settle_in(int worker, uint64_t pages) {
  struct region *of = &region[worker];
  *of = (struct region){.worker = worker, .pages = pages, .random = worker};
  of->page = memory(pages * PAGE, MAP_PRIVATE);
  of->version = memory(pages * sizeof *of->version, MAP_PRIVATE);
  for (uint64_t i = 0; i < pages; i++) fill(of, i);
}

// The first process of the namespace: all others end with it.
static void live(uint64_t pages, int ready) {
  unsigned long last = 0;
  pthread_t thread;
  setsid();
  prctl(PR_SET_NAME, "canary");
  account = memory(sizeof *account, MAP_SHARED);
  for (int i = 0; i < WORKERS; i++) settle_in(i, pages / WORKERS);
  int none = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (none < 0) fail("/dev/null");
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (!child) {
    for (int i = 0; i < 3; i++) dup2(none, i);
    close(none);
    close(ready);
    work_on(&region[2]);
  }
  if (pthread_create(&thread, NULL, work_on, &region[1])) fail("pthread_create");
  // Before it says so: with a pipe to the agent open it could not be moved.
  for (int i = 0; i < 3; i++) dup2(none, i);
  close(none);
  if (write(ready, "", 1) != 1) fail("telling that it is ready");
  close(ready);
  while (!is_over()) {
    unsigned long asked = question();
    if (asked && asked != last) {
      atomic_store(&account->asked, last = asked);
    }
    work(&region[0]);
    if (atomic_load(&account->asked)) answer(last);
  }
  _exit(0);
}

int main(int count, char **arguments) {
  if (count != 4) {
    fprintf(stderr, "usage: canary FOLDER MEBIBYTES SECONDS\n");
    return 2;
  }
  int pipes[2];
  char ready;
  if (chdir(arguments[1])) fail(arguments[1]);
  int stay = open("stay", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (stay < 0) fail("stay");
  close(stay);
  clock_gettime(CLOCK_MONOTONIC, &deadline);
  deadline.tv_sec += strtol(arguments[3], NULL, 10);
  if (pipe2(pipes, O_CLOEXEC)) fail("pipe");
  if (unshare(CLONE_NEWPID)) fail("a pid namespace of its own");
  pid_t canary = fork();
  if (canary < 0) fail("fork");
  if (!canary) {
    close(pipes[0]);
    live(strtoull(arguments[2], NULL, 10) << 20 >> 12, pipes[1]);
  }
  close(pipes[1]);
  if (read(pipes[0], &ready, 1) != 1) {
    fprintf(stderr, "canary: it ended while it filled its memory\n");
    return 1;
  }
  printf("%d\n", canary);
  return 0;
}
