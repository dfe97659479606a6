// A process whose memory is filled from outside, as that of a restored workload: makes PAGES pages whose content is missing
// (userfaultfd) and does with them what it is told on standard input. It and each of its children answer with one line.
//
//   taken           lets go of its own descriptor of its memory; no answer
//   read N          prints the first and the last 8 bytes of page N; waits until the page is there
//   write N         writes the first and the last 8 bytes of page N
//   drop N COUNT    madvise(MADV_DONTNEED)
//   again COUNT     drops its first page so many times
//   move N COUNT    mremap to another address
//   unmap N COUNT   munmap
//   protect N COUNT mprotect read-only: the mapping is split
//   fork            begins a child, which takes the commands from then on until 'exit', which gives them back
//   exit
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static char *page[1 << 16];

static void check(int ok, const char *what) {
  if (!ok) {
    perror(what);
    exit(1);
  }
}

int main(int count, char **arguments) {
  check(count == 2, "usage: tenant PAGES");
  size_t pages = strtoul(arguments[1], NULL, 10);
  char *start = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  check(start != MAP_FAILED, "mmap");
  madvise(start, pages * PAGE, MADV_NOHUGEPAGE);
  for (size_t i = 0; i < pages; i++) page[i] = start + i * PAGE;
  int memory = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  check(memory >= 0, "userfaultfd");
  struct uffdio_api api = {.api = UFFD_API,
                           .features = UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE |
                                       UFFD_FEATURE_EVENT_UNMAP};
  check(!ioctl(memory, UFFDIO_API, &api), "UFFDIO_API");
  struct uffdio_register range = {.range = {(uintptr_t)start, pages * PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  check(!ioctl(memory, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
  setvbuf(stdin, NULL, _IONBF, 0);
  printf("%lu\n%d\n", (unsigned long)start, memory);
  fflush(stdout);

  char command[16], rest[64];
  while (scanf("%15s%63[^\n]", command, rest) >= 1) {
    unsigned long n = 0, c = 0;
    sscanf(rest, "%lu %lu", &n, &c);
    rest[0] = 0;
    if (!strcmp(command, "taken")) {
      close(memory);
    } else if (!strcmp(command, "read")) {
      volatile uint64_t *words = (uint64_t *)page[n];
      uint64_t first = words[0], last = words[PAGE / 8 - 1];
      printf("%016lx %016lx\n", first, last);
    } else if (!strcmp(command, "write")) {
      volatile uint64_t *words = (uint64_t *)page[n];
      words[0] = words[PAGE / 8 - 1] = 0x0123456789abcdef;
      printf("written\n");
    } else if (!strcmp(command, "drop")) {
      check(!madvise(page[n], c * PAGE, MADV_DONTNEED), "madvise");
      printf("dropped\n");
    } else if (!strcmp(command, "again")) {
      for (unsigned long i = 0; i < n; i++) check(!madvise(page[0], PAGE, MADV_DONTNEED), "madvise");
      printf("dropped again\n");
    } else if (!strcmp(command, "move")) {
      char *to = mmap(NULL, c * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      check(to != MAP_FAILED, "mmap");
      check(mremap(page[n], c * PAGE, c * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to, "mremap");
      for (unsigned long i = 0; i < c; i++) page[n + i] = to + i * PAGE;
      printf("moved\n");
    } else if (!strcmp(command, "unmap")) {
      check(!munmap(page[n], c * PAGE), "munmap");
      printf("unmapped\n");
    } else if (!strcmp(command, "protect")) {
      check(!mprotect(page[n], c * PAGE, PROT_READ), "mprotect");
      printf("protected\n");
    } else if (!strcmp(command, "fork")) {
      pid_t child = fork();
      check(child >= 0, "fork");
      if (child) {
        waitpid(child, NULL, 0);
        printf("back\n");
      } else {
        printf("forked\n");
      }
    } else if (!strcmp(command, "exit")) {
      exit(0);
    }
    fflush(stdout);
  }
  return 0;
}
