// A workload that knows what its memory must hold: fills memory with a pattern derived from a seed, and on request
// compares every page with what it must be and hashes it. For tests of migrations and for deploy/bench.
//
// usage: memory --folder DIR [OPTION...]         starts it in the background; returns when all memory is filled
//   --folder DIR        where it writes 'status' when it is filled and 'report' after each request; made when missing
//   --size SIZE         private anonymous memory in all (k, m, g), shared out to all processes and threads; 64m
//   --threads N         threads with a share, in each process; 1
//   --children N        processes besides the first; 0
//   --content KIND      random | zeros (a quarter of the pages is written with zeros) | zero (all of them) | compressible;
//                       random
//   --untouched PERCENT pages of its share that are never written, so they must read as zero; 0
//   --shared SIZE       memory shared by all processes (MAP_SHARED | MAP_ANONYMOUS); 0
//   --memfd SIZE        the same in a memfd whose descriptor stays open; 0
//   --locked SIZE       private memory of the first process that is locked (CRIU never restores it lazily); 0
//   --inherited SIZE    private memory filled before the children start, an eighth of which each of them overwrites; 0
//   --open PATH         a file to keep open for reading, up to 16 times; its offset and next byte are checked
//   --dirty PAGES       pages to overwrite with new content, per second and thread; 0. The hash then changes, the
//                       comparison with the pattern still counts
//   --working-set SIZE  those pages lie in so much of each process's share; all of it
//   --seed N            for another pattern; 1
//   --pid N             start with this process id (needs a free id and ns_last_pid)
//   --undumpable        hold something that CRIU cannot dump (a userfaultfd)
//
// Prints {"pid":N,"hash":"...","heart":N} when it is filled. At the address 'heart' of each of its processes are two
// words of 8 bytes: HEART, and a number that every thread makes larger all the time, and with each page that it
// overwrites. Signals to that pid:
//   SIGUSR1  every thread compares and hashes its share, then 'report' is replaced: one JSON object, see write_report.
//            'generation' counts the requests.
//   SIGTERM  ends all its processes. SIGKILL to the process group (kill -9 -PID) does as well.
//
// All its processes pass two tokens round, one through pipes and one through unix sockets; both must go on after a
// migration, with no number missing. It is a session leader with /dev/null as its standard streams and / as its
// working folder, so it can be restored on a host that has the same program and opened files.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, MOST_PROCESSES = 64, MOST_THREADS = 64, MOST_FILES = 16 };
enum content { RANDOM, ZEROS, ZERO, COMPRESSIBLE };

static struct {
  const char *folder;
  uint64_t size, shared, memfd, locked, inherited, working_set, seed;
  unsigned threads, children, untouched, dirty, files;
  const char *file[MOST_FILES];
  enum content content;
  int pid;
  bool undumpable;
} options = {.size = 64 << 20, .seed = 1, .threads = 1};

// What a process says after a request. In shared memory, so that the first process can put it together.
struct account {
  atomic_ulong generation;
  uint64_t hash, shared_hash, pages, wrong_pages, wrong_files, dirtied;
  atomic_ulong pipe_tokens, socket_tokens, wrong_tokens;
  char where[200];  // the first wrong page
};

struct region {
  unsigned char *start;
  uint64_t pages;
  uint64_t key;       // of its pattern
  uint64_t number;    // for people
  uint32_t *version;  // of each page, when pages are overwritten; else NULL
  unsigned untouched; // percent
  enum content content;
};

// For whoever watches from outside which copy runs. Shared by all processes, so never restored lazily: there is no page
// to wait for, and no copy whose number is not its own.
static const uint64_t HEART = 0x6c6f6e6773686f72u;
struct heart {
  uint64_t mark;
  atomic_ulong beats;
};
static struct heart *heart;

static void beat(void) { atomic_fetch_add_explicit(&heart->beats, 1, memory_order_relaxed); }

static struct account *accounts;
static unsigned process;              // 0 is the first
static unsigned processes;
static atomic_ulong longest_gap;      // nanoseconds between two rounds of the pipe token, since the last report

// A private file mapping whose pages were written: neither lazy nor anonymous. Not const, not zero: in .data.
static uint64_t written_data[16 * WORDS] = {1};

static struct {
  int descriptor;
  unsigned char next;
} opened[MOST_FILES];
enum { OPENED_AT = 100 };

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "memory: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  exit(1);
}

// --- the pattern -----------------------------------------------------------------------------------------------------

static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static bool is_untouched(const struct region *region, uint64_t page) {
  return mix(region->key + page * 7) % 100 < region->untouched;
}

static void make_page(const struct region *region, uint64_t page, uint32_t version, uint64_t *words) {
  uint64_t state = mix(region->key ^ mix(page + 1) ^ ((uint64_t)version << 40));
  if (region->content == ZERO || (region->content == ZEROS && state % 4 == 0)) {
    memset(words, 0, PAGE);
  } else if (region->content == COMPRESSIBLE) {
    uint64_t few[4] = {state, page, version, 0x2020202020202020u};
    for (unsigned i = 0; i < WORDS; i++) words[i] = few[i / 32 % 4];
  } else {
    for (unsigned i = 0; i < WORDS; i++) words[i] = mix(state += 0x9e3779b97f4a7c15u);
  }
}

static uint32_t version_of(const struct region *region, uint64_t page) { return region->version ? region->version[page] : 0; }

static void fill(struct region *region) {
  for (uint64_t page = 0; page < region->pages; page++) {
    if (!is_untouched(region, page)) {
      make_page(region, page, version_of(region, page), (uint64_t *)(region->start + page * PAGE));
    }
  }
}

static uint64_t hash_page(const uint64_t *words, uint64_t seed) {
  uint64_t lane[4] = {seed, seed + 1, seed + 2, seed + 3};
  for (unsigned i = 0; i < WORDS; i += 4) {
    for (unsigned j = 0; j < 4; j++) {
      lane[j] = (lane[j] ^ words[i + j]) * 0x9fb21c651e98df25u;
      lane[j] ^= lane[j] >> 32;
    }
  }
  return mix(lane[0] ^ mix(lane[1] ^ mix(lane[2] ^ mix(lane[3]))));
}

struct result {
  uint64_t hash, pages, wrong_pages;
  char where[sizeof(((struct account *)0)->where)];
};

// What became of a page: whoever looks for the cause wants to know.
static void describe(const struct region *region, uint64_t page, const uint64_t *expected, const uint64_t *found, char *where,
                     size_t length) {
  uint64_t zeros = 0, wrong = 0, first = WORDS, last = 0, older[WORDS];
  uint32_t version = version_of(region, page);
  for (unsigned i = 0; i < WORDS; i++) {
    zeros += found[i] == 0;
    if (found[i] != expected[i]) {
      wrong++;
      if (first == WORDS) first = i;
      last = i;
    }
  }
  bool is_older = false;
  if (version > 0) {
    make_page(region, page, version - 1, older);
    is_older = !memcmp(older, found, PAGE);
  }
  snprintf(where, length, "region %lu, page %lu of %lu at %p, version %u: %lu words wrong from %lu to %lu, %lu zeros%s; then %s",
           region->number, page, region->pages, (void *)found, version, wrong, first, last, zeros,
           is_older ? ", as it was before" : "", memcmp(expected, found, PAGE) ? "the same" : "right");
}

static void check(const struct region *region, struct result *result) {
  uint64_t expected[WORDS];
  for (uint64_t page = 0; page < region->pages; page++) {
    const uint64_t *found = (const uint64_t *)(region->start + page * PAGE);
    if (is_untouched(region, page)) {
      memset(expected, 0, PAGE);
    } else {
      make_page(region, page, version_of(region, page), expected);
    }
    if (memcmp(expected, found, PAGE) != 0 && !result->wrong_pages++) {
      describe(region, page, expected, found, result->where, sizeof result->where);
    }
    result->hash = hash_page(found, result->hash);
    result->pages++;
  }
}

static struct region new_region(uint64_t size, int flags, int descriptor, uint64_t number) {
  struct region region = {
      .pages = (size + PAGE - 1) / PAGE, .key = mix(options.seed * 1000003 + number), .number = number, .content = RANDOM};
  if (region.pages) {
    region.start = mmap(NULL, region.pages * PAGE, PROT_READ | PROT_WRITE, flags | (descriptor < 0 ? MAP_ANONYMOUS : 0),
                        descriptor, 0);
    if (region.start == MAP_FAILED) fail("cannot map %lu bytes: %s", (unsigned long)size, strerror(errno));
  }
  return region;
}

// --- the threads that own a share ------------------------------------------------------------------------------------

struct worker {
  pthread_t thread;
  struct region region;
  struct result result;
  uint64_t done;  // the last request it answered
  uint64_t dirtied;
  uint64_t random;
  uint64_t working_set;  // pages
};

static struct worker workers[MOST_THREADS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t requested, answered;
static uint64_t request;  // guarded by lock, as is worker.done

static struct timespec now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time;
}

static void overwrite_some(struct worker *worker, unsigned pages) {
  for (unsigned i = 0; i < pages; i++) {
    uint64_t page = mix(++worker->random) % worker->working_set;
    if (is_untouched(&worker->region, page)) continue;
    make_page(&worker->region, page, ++worker->region.version[page], (uint64_t *)(worker->region.start + page * PAGE));
    worker->dirtied++;
    beat();
  }
}

static void *work(void *argument) {
  struct worker *worker = argument;
  fill(&worker->region);
  uint64_t overwrites = 0;  // in hundredths of a page still to do
  pthread_mutex_lock(&lock);
  worker->done = 0;
  for (;;) {
    while (request == worker->done) {
      beat();
      if (options.dirty) {
        struct timespec until = now();
        until.tv_nsec += 10000000;
        if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
        pthread_cond_timedwait(&requested, &lock, &until);
        if (request != worker->done) break;
        pthread_mutex_unlock(&lock);
        overwrites += options.dirty;
        overwrite_some(worker, overwrites / 100);
        overwrites %= 100;
        pthread_mutex_lock(&lock);
      } else {
        pthread_cond_wait(&requested, &lock);
      }
    }
    uint64_t number = request;
    pthread_mutex_unlock(&lock);
    struct result result = {0};
    check(&worker->region, &result);
    pthread_mutex_lock(&lock);
    worker->result = result;
    worker->done = number;
    pthread_cond_signal(&answered);
  }
  return NULL;
}

static void start_workers(uint64_t size) {
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&requested, &monotonic);
  pthread_cond_init(&answered, &monotonic);
  for (unsigned i = 0; i < options.threads; i++) {
    struct worker *worker = &workers[i];
    worker->region = new_region(size, MAP_PRIVATE | MAP_NORESERVE, -1, 100 + process * MOST_THREADS + i);
    worker->region.content = options.content;
    worker->region.untouched = options.untouched;
    worker->random = mix(worker->region.key);
    worker->working_set = options.working_set / PAGE / options.threads;
    if (!worker->working_set || worker->working_set > worker->region.pages) worker->working_set = worker->region.pages;
    if (options.dirty) {
      worker->region.version = calloc(worker->region.pages + 1, sizeof(uint32_t));
      if (!worker->region.version) fail("no memory for page versions");
    }
    int error = pthread_create(&worker->thread, NULL, work, worker);
    if (error) fail("cannot start a thread: %s", strerror(error));
  }
}

// --- tokens ----------------------------------------------------------------------------------------------------------

struct ring {
  int in, out;
  atomic_ulong *passed;
  bool times;  // whether this one watches for gaps
};

static void *pass_tokens(void *argument) {
  struct ring *ring = argument;
  uint64_t token, last = 0;
  struct timespec before = now();
  for (bool first = true;; first = false) {
    if (!first || process > 0) {
      ssize_t got = read(ring->in, &token, sizeof token);
      if (got != sizeof token || (last && token != last + 1)) {
        atomic_fetch_add(&accounts[process].wrong_tokens, 1);
        if (got <= 0) return NULL;
      }
      last = token;
      atomic_fetch_add(ring->passed, 1);
      beat();
    } else {
      token = 0;
    }
    if (process == 0) {  // once a round: slow it down and give it its next number
      struct timespec pause = {.tv_nsec = 1000000};
      nanosleep(&pause, NULL);
      struct timespec after = now();
      uint64_t gap = (after.tv_sec - before.tv_sec) * 1000000000u + after.tv_nsec - before.tv_nsec;
      before = after;
      if (ring->times && gap > atomic_load(&longest_gap)) atomic_store(&longest_gap, gap);
      token++;
    }
    if (write(ring->out, &token, sizeof token) != sizeof token) {
      atomic_fetch_add(&accounts[process].wrong_tokens, 1);
      return NULL;
    }
  }
}

// Process i reads what process i - 1 wrote; the first reads what the last wrote.
static void make_rings(int pipes[][2], int sockets[][2]) {
  for (unsigned i = 0; i < processes; i++) {
    if (pipe2(pipes[i], O_CLOEXEC) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets[i])) {
      fail("cannot make pipes: %s", strerror(errno));
    }
  }
}

static void join_rings(int pipes[][2], int sockets[][2]) {
  static struct ring rings[2];
  unsigned next = (process + 1) % processes;
  rings[0] = (struct ring){pipes[process][0], pipes[next][1], &accounts[process].pipe_tokens, process == 0};
  rings[1] = (struct ring){sockets[process][0], sockets[next][1], &accounts[process].socket_tokens, false};
  for (unsigned i = 0; i < processes; i++) {
    if (i != process) close(pipes[i][0]), close(sockets[i][0]);
    if (i != next) close(pipes[i][1]), close(sockets[i][1]);
  }
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, pass_tokens, &rings[i]);
    if (error) fail("cannot start a thread: %s", strerror(error));
  }
}

// --- a request -------------------------------------------------------------------------------------------------------

static struct region written, shared, in_memfd, locked, inherited;

static void check_files(struct account *account) {
  for (unsigned i = 0; i < options.files; i++) {
    unsigned char next = 0;
    ssize_t got = pread(opened[i].descriptor, &next, 1, OPENED_AT);
    if (got < 0 || next != opened[i].next || lseek(opened[i].descriptor, 0, SEEK_CUR) != OPENED_AT) account->wrong_files++;
  }
}

// All threads of this process do their part; the account is published by its generation.
static void answer(uint64_t generation) {
  struct account *account = &accounts[process];
  struct result mine = {0}, common = {0};
  pthread_mutex_lock(&lock);
  request = generation;
  pthread_cond_broadcast(&requested);
  pthread_mutex_unlock(&lock);
  check(&written, &mine);
  check(&locked, &mine);
  check(&inherited, &mine);
  check(&shared, &common);
  check(&in_memfd, &common);
  account->wrong_files = 0;
  check_files(account);
  uint64_t dirtied = 0;
  pthread_mutex_lock(&lock);
  for (unsigned i = 0; i < options.threads; i++) {
    while (workers[i].done != generation) pthread_cond_wait(&answered, &lock);
    mine.hash = mix(mine.hash ^ workers[i].result.hash);
    mine.pages += workers[i].result.pages;
    mine.wrong_pages += workers[i].result.wrong_pages;
    if (!*mine.where) memcpy(mine.where, workers[i].result.where, sizeof mine.where);
    dirtied += workers[i].dirtied;
  }
  pthread_mutex_unlock(&lock);
  account->hash = mine.hash;
  account->shared_hash = common.hash;
  account->pages = mine.pages + (process == 0 ? common.pages : 0);
  account->wrong_pages = mine.wrong_pages + common.wrong_pages;
  memcpy(account->where, *mine.where ? mine.where : common.where, sizeof account->where);
  account->dirtied = dirtied;
  atomic_store(&account->generation, generation);
}

static void replace_file(const char *name, const char *text) {
  char path[4096], scratch[4096];
  snprintf(path, sizeof path, "%s/%s", options.folder, name);
  snprintf(scratch, sizeof scratch, "%s/.%s", options.folder, name);
  mkdir(options.folder, 0755);  // it may not exist on a host it was moved to
  int descriptor = open(scratch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return;  // nobody to tell; whoever asked sees no report
  size_t length = strlen(text);
  if (write(descriptor, text, length) == (ssize_t)length) rename(scratch, path);
  close(descriptor);
}

// The fields:
//   generation     the number of the request
//   hash           of all memory of all processes; stays the same as long as nothing is overwritten
//   pages, wrong_pages, wrong_files   compared with the pattern
//   shared_differs processes that see other shared memory than the first
//   children_lost  children that ended
//   pipe_tokens, socket_tokens        how often the tokens were passed on, all processes together
//   wrong_tokens   tokens that were out of order or could not be passed on
//   dirtied        pages overwritten
//   wrong_where    the first wrong page, and what is wrong about it; empty if there is none
//   longest_gap_ms between two rounds of the pipe token since the last report, a pause of 1 ms included
static uint64_t write_report(uint64_t generation, unsigned lost, const char *name) {
  struct account sum = {0};
  unsigned differs = 0;
  uint64_t hash = accounts[0].shared_hash, pipes = 0, sockets = 0, wrong = 0;
  for (unsigned i = 0; i < processes; i++) {
    struct account *account = &accounts[i];
    hash = mix(hash ^ account->hash);
    sum.pages += account->pages;
    sum.wrong_pages += account->wrong_pages;
    if (!*sum.where) memcpy(sum.where, account->where, sizeof sum.where);
    sum.wrong_files += account->wrong_files;
    sum.dirtied += account->dirtied;
    differs += account->shared_hash != accounts[0].shared_hash;
    pipes += atomic_load(&account->pipe_tokens);
    sockets += atomic_load(&account->socket_tokens);
    wrong += atomic_load(&account->wrong_tokens);
  }
  char text[1024];
  snprintf(text, sizeof text,
           "{\"pid\":%d,\"generation\":%lu,\"hash\":\"%016lx\",\"pages\":%lu,\"wrong_pages\":%lu,\"wrong_files\":%lu,"
           "\"shared_differs\":%u,\"children_lost\":%u,\"pipe_tokens\":%lu,\"socket_tokens\":%lu,\"wrong_tokens\":%lu,"
           "\"dirtied\":%lu,\"longest_gap_ms\":%.3f,\"wrong_where\":\"%s\"}\n",
           getpid(), generation, hash, sum.pages, sum.wrong_pages, sum.wrong_files, differs, lost, pipes, sockets, wrong,
           sum.dirtied, atomic_exchange(&longest_gap, 0) / 1e6, sum.where);
  replace_file(name, text);
  return hash;
}

static pid_t children[MOST_PROCESSES];

static unsigned count_lost_children(void) {
  static unsigned lost;
  for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) {
    for (unsigned i = 1; i < processes; i++) {
      if (children[i] == pid) children[i] = 0, lost++;
    }
  }
  return lost;
}

static uint64_t answer_with_children(uint64_t generation, const char *name) {
  for (unsigned i = 1; i < processes; i++) {
    if (children[i]) kill(children[i], SIGUSR1);
  }
  answer(generation);
  for (unsigned i = 1; i < processes; i++) {
    while (count_lost_children(), children[i] && atomic_load(&accounts[i].generation) < generation) {
      struct timespec pause = {.tv_nsec = 1000000};
      nanosleep(&pause, NULL);
    }
  }
  return write_report(generation, count_lost_children(), name);
}

static void serve_requests(sigset_t *signals) {
  for (uint64_t generation = 1;;) {
    int signal_number = sigwaitinfo(signals, NULL);
    if (signal_number == SIGTERM) kill(0, SIGKILL);
    if (signal_number != SIGUSR1) continue;
    generation++;
    if (process == 0) {
      answer_with_children(generation, "report");
    } else {
      answer(generation);
    }
  }
}

// --- start -----------------------------------------------------------------------------------------------------------

static void open_files(void) {
  for (unsigned i = 0; i < options.files; i++) {
    int descriptor = open(options.file[i], O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) fail("cannot open %s: %s", options.file[i], strerror(errno));
    opened[i].descriptor = descriptor;
    if (pread(descriptor, &opened[i].next, 1, OPENED_AT) < 0 || lseek(descriptor, OPENED_AT, SEEK_SET) < 0) {
      fail("cannot read %s: %s", options.file[i], strerror(errno));
    }
  }
}

static void make_common_memory(void) {
  shared = new_region(options.shared, MAP_SHARED, -1, 1);
  fill(&shared);
  if (options.memfd) {
    int descriptor = memfd_create("longshore-test", MFD_CLOEXEC);
    if (descriptor < 0 || ftruncate(descriptor, (off_t)((options.memfd + PAGE - 1) / PAGE * PAGE))) {
      fail("cannot make a memfd: %s", strerror(errno));
    }
    in_memfd = new_region(options.memfd, MAP_SHARED, descriptor, 2);
    fill(&in_memfd);
  }
  inherited = new_region(options.inherited, MAP_PRIVATE, -1, 3);
  if (inherited.pages) {
    inherited.version = calloc(inherited.pages, sizeof(uint32_t));
    if (!inherited.version) fail("no memory for page versions");
  }
  fill(&inherited);
}

static void make_own_memory(void) {
  for (uint64_t page = 0; page < inherited.pages; page += 8) {
    inherited.version[page] = process + 1;
    make_page(&inherited, page, process + 1, (uint64_t *)(inherited.start + page * PAGE));
  }
  uintptr_t aligned = ((uintptr_t)written_data + PAGE - 1) / PAGE * PAGE;
  written = (struct region){.start = (unsigned char *)aligned, .pages = 15, .key = mix(options.seed + process), .content = RANDOM};
  fill(&written);
  if (process == 0 && options.locked) {
    locked = new_region(options.locked, MAP_PRIVATE, -1, 4);
    if (mlock(locked.start, locked.pages * PAGE)) fail("cannot lock memory: %s", strerror(errno));
    fill(&locked);
  }
  start_workers(options.size / processes / options.threads);
}

static void let_go_of_standard_error(void) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(null, 2);
  close(null);
}

static void run(int ready) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  signal(SIGPIPE, SIG_IGN);
  open_files();
  if (options.undumpable && syscall(SYS_userfaultfd, O_CLOEXEC) < 0) fail("no userfaultfd: %s", strerror(errno));
  make_common_memory();
  int pipes[MOST_PROCESSES][2], sockets[MOST_PROCESSES][2];
  make_rings(pipes, sockets);
  for (unsigned i = 1; i < processes && process == 0; i++) {
    pid_t pid = fork();
    if (pid < 0) fail("cannot start a child: %s", strerror(errno));
    if (pid == 0) {
      process = i;
    } else {
      children[i] = pid;
    }
  }
  if (process > 0) {
    close(ready);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    make_own_memory();
    join_rings(pipes, sockets);
    answer(1);  // the first comparison needs no signal: it proves that all is filled
    let_go_of_standard_error();
    serve_requests(&signals);
  }
  make_own_memory();
  join_rings(pipes, sockets);
  answer(1);
  for (unsigned i = 1; i < processes; i++) {
    while (atomic_load(&accounts[i].generation) < 1) {
      if (count_lost_children()) fail("a child ended");
      struct timespec pause = {.tv_nsec = 1000000};
      nanosleep(&pause, NULL);
    }
  }
  uint64_t hash = write_report(1, 0, "status");
  dprintf(ready, "{\"pid\":%d,\"hash\":\"%016lx\",\"heart\":%lu}\n", getpid(), hash, (unsigned long)(uintptr_t)heart);
  close(ready);
  let_go_of_standard_error();
  serve_requests(&signals);
}

static uint64_t parse_size(const char *text) {
  char *end;
  uint64_t size = strtoull(text, &end, 10);
  switch (*end) {
    case 'g': size <<= 10; /* fall through */
    case 'm': size <<= 10; /* fall through */
    case 'k': size <<= 10; end++;
  }
  if (end == text || *end) fail("not a size: %s (example: 64m)", text);
  return size;
}

static unsigned parse_number(const char *text, unsigned least, unsigned most) {
  char *end;
  unsigned long number = strtoul(text, &end, 10);
  if (end == text || *end || number < least || number > most) fail("not a number from %u to %u: %s", least, most, text);
  return (unsigned)number;
}

static enum content parse_content(const char *text) {
  if (!strcmp(text, "random")) return RANDOM;
  if (!strcmp(text, "zeros")) return ZEROS;
  if (!strcmp(text, "zero")) return ZERO;
  if (!strcmp(text, "compressible")) return COMPRESSIBLE;
  fail("not a kind of content: %s", text);
}

static void parse_options(int count, char **arguments) {
  enum { FOLDER = 1, SIZE, THREADS, CHILDREN, CONTENT, UNTOUCHED, SHARED, MEMFD, LOCKED, INHERITED, OPEN, DIRTY,
         WORKING_SET, SEED, PID, UNDUMPABLE };
  static const struct option names[] = {
    {"folder", 1, 0, FOLDER}, {"size", 1, 0, SIZE}, {"threads", 1, 0, THREADS}, {"children", 1, 0, CHILDREN},
    {"content", 1, 0, CONTENT}, {"untouched", 1, 0, UNTOUCHED}, {"shared", 1, 0, SHARED}, {"memfd", 1, 0, MEMFD},
    {"locked", 1, 0, LOCKED}, {"inherited", 1, 0, INHERITED}, {"open", 1, 0, OPEN}, {"dirty", 1, 0, DIRTY},
    {"working-set", 1, 0, WORKING_SET}, {"seed", 1, 0, SEED}, {"pid", 1, 0, PID}, {"undumpable", 0, 0, UNDUMPABLE}, {0, 0, 0, 0}};
  for (int name; (name = getopt_long(count, arguments, "", names, NULL)) != -1;) {
    switch (name) {
      case FOLDER: options.folder = optarg; break;
      case SIZE: options.size = parse_size(optarg); break;
      case THREADS: options.threads = parse_number(optarg, 1, MOST_THREADS); break;
      case CHILDREN: options.children = parse_number(optarg, 0, MOST_PROCESSES - 1); break;
      case CONTENT: options.content = parse_content(optarg); break;
      case UNTOUCHED: options.untouched = parse_number(optarg, 0, 100); break;
      case SHARED: options.shared = parse_size(optarg); break;
      case MEMFD: options.memfd = parse_size(optarg); break;
      case LOCKED: options.locked = parse_size(optarg); break;
      case INHERITED: options.inherited = parse_size(optarg); break;
      case OPEN:
        if (options.files == MOST_FILES) fail("at most %d files", MOST_FILES);
        options.file[options.files++] = optarg;
        break;
      case DIRTY: options.dirty = parse_number(optarg, 0, 100000000); break;
      case WORKING_SET: options.working_set = parse_size(optarg); break;
      case SEED: options.seed = strtoull(optarg, NULL, 10); break;
      case PID: options.pid = (int)parse_number(optarg, 2, 4194303); break;
      case UNDUMPABLE: options.undumpable = true; break;
      default: exit(2);
    }
  }
  if (optind != count) fail("what is %s?", arguments[optind]);
  if (!options.folder || options.folder[0] != '/') fail("--folder needs an absolute path");
  processes = options.children + 1;
}

static void choose_next_pid(void) {
  int descriptor = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  if (descriptor < 0 || dprintf(descriptor, "%d", options.pid - 1) < 0) fail("cannot choose the pid: %s", strerror(errno));
  close(descriptor);
}

int main(int count, char **arguments) {
  parse_options(count, arguments);
  heart = mmap(NULL, PAGE + sizeof *accounts * processes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (heart == MAP_FAILED) fail("cannot map memory: %s", strerror(errno));
  heart->mark = HEART;
  accounts = (struct account *)((unsigned char *)heart + PAGE);
  // Descriptors from whoever started it would keep it from being restored.
  close_range(3, ~0u, 0);
  int ready[2];
  if (pipe2(ready, O_CLOEXEC)) fail("cannot make a pipe: %s", strerror(errno));
  if (options.pid) choose_next_pid();
  pid_t pid = fork();
  if (pid < 0) fail("cannot start: %s", strerror(errno));
  if (pid == 0) {
    close(ready[0]);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    // Its own session, and no folder or terminal of whoever started it. Errors until it is filled still go to stderr.
    if (setsid() < 0 || chdir("/") || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0) fail("cannot detach: %s", strerror(errno));
    close(null);
    run(ready[1]);
  }
  close(ready[1]);
  if (options.pid && pid != options.pid) {
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    fail("the pid %d is taken", options.pid);
  }
  char line[256];
  ssize_t length = read(ready[0], line, sizeof line);
  if (length <= 0) {
    kill(-pid, SIGKILL);
    return 1;
  }
  return write(1, line, (size_t)length) == length ? 0 : 1;
}
