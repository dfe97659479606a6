/*
 * Runs a program that sees one tree of files and nothing else of this host: how rsync is run on both sides of a
 * migration, since what it works on, and what the other side sends it, may be hostile.
 *
 *   confined ROOT TREE [OPTION...] -- PROGRAM [ARGUMENT...]
 *     ROOT                a folder that is there; the new root is mounted on it, in a mount namespace of our own
 *     TREE                what the program sees as /files, its working folder; not what is mounted below or over it
 *     --mounts-of PID     TREE is found as that process finds it: in its mount namespace, from its root
 *     --read-only         nothing in TREE can be changed, not even a time of access
 *     --write-back        what was written by mappings is written back first, so that a later write is one that the
 *                         file's ctime tells of
 *     --lock FILE         locked (fcntl(2), F_OFD_SETLK) as long as the program or a child of its lives
 *     --socket PATH       connected to; the bridge finds it
 *   confined bridge ...   carries the program's connection: copies standard input to the socket and the socket to
 *                         standard output. The program finds it as /bridge.
 *
 * The new root is a small tmpfs with /usr and what else programs need to start, all read-only. The program has no
 * network, a pid namespace in which it is the first process, and of root's capabilities those only that it needs to
 * make files as they were. It dies with this process. The exit status is the program's; 125 if it was not started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_STARTED = 125, SOCKET = 3, BUFFER = 128 << 10 };

static const char *const programs[] = {"usr", "bin", "sbin", "lib", "lib32", "lib64"};

static _Noreturn void fail(const char *format, ...) {
  int error = errno;
  va_list values;
  va_start(values, format);
  fprintf(stderr, "confined: ");
  vfprintf(stderr, format, values);
  fprintf(stderr, ": %s\n", strerror(error));
  va_end(values);
  exit(NOT_STARTED);
}

/* --- bridge ------------------------------------------------------------------------------------------------------ */

static int copy(int from, int to) {
  static char buffer[BUFFER];
  for (;;) {
    ssize_t got = read(from, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0 ? 0 : 1;
    for (ssize_t done = 0; done < got;) {
      ssize_t wrote = write(to, buffer + done, got - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return 1;
      done += wrote;
    }
  }
}

/* Ends with what comes from the socket: the program waits for our end with its own output still open. */
static int bridge(void) {
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    int status = copy(STDIN_FILENO, SOCKET);
    shutdown(SOCKET, SHUT_WR);
    _exit(status);
  }
  close(STDIN_FILENO);
  int status = copy(SOCKET, STDOUT_FILENO);
  kill(child, SIGKILL);
  return status;
}

/* --- the tree ---------------------------------------------------------------------------------------------------- */

/* One mount, without what is mounted on it. */
static int clone_of(const char *path) {
  int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0) fail("open_tree(%s)", path);
  return tree;
}

/* The mount namespace of a process is entered to find its tree there, and left again. */
static int clone_in_namespace_of(const char *pid, const char *path) {
  char name[64];
  int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  snprintf(name, sizeof name, "/proc/%s/ns/mnt", pid);
  int other = open(name, O_RDONLY | O_CLOEXEC);
  if (own < 0 || other < 0) fail("open(%s)", name);
  snprintf(name, sizeof name, "/proc/%s/root", pid);
  int root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) fail("open(%s)", name);
  if (setns(other, CLONE_NEWNS) != 0) fail("setns(mount namespace of %s)", pid);
  if (fchdir(root) != 0 || chroot(".") != 0) fail("chroot(root of %s)", pid);
  int tree = clone_of(path);
  if (setns(own, CLONE_NEWNS) != 0) fail("setns(mount namespace of our own)");
  return tree;
}

static void attach(int tree, const char *to, unsigned long long attributes) {
  struct mount_attr attr = {.attr_set = attributes, .attr_clr = attributes & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0};
  if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof attr) != 0) fail("mount_setattr(%s)", to);
  if (move_mount(tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) != 0) fail("move_mount(%s)", to);
  close(tree);
}

static void make_folder(const char *path) {
  if (mkdir(path, 0755) != 0) fail("mkdir(%s)", path);
}

static void add_programs(void) {
  for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
    char path[32], target[256];
    struct stat found;
    snprintf(path, sizeof path, "/%s", programs[i]);
    if (lstat(path, &found) != 0) continue;
    if (S_ISLNK(found.st_mode)) {
      ssize_t length = readlink(path, target, sizeof target - 1);
      if (length < 0) fail("readlink(%s)", path);
      target[length] = 0;
      if (symlink(target, programs[i]) != 0) fail("symlink(%s)", path);
    } else if (S_ISDIR(found.st_mode)) {
      make_folder(programs[i]);
      attach(clone_of(path), programs[i], MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    }
  }
}

static void enter(const char *root, int tree, int bridge, int read_only) {
  if (mount("confined", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m") != 0) fail("mount(tmpfs on %s)", root);
  if (chdir(root) != 0) fail("chdir(%s)", root);
  add_programs();
  int file = open("bridge", O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
  if (file < 0) fail("open(bridge)");
  close(file);
  attach(bridge, "bridge", MOUNT_ATTR_RDONLY);
  make_folder("files");
  /* A device that came may be made, but not opened. */
  attach(tree, "files",
         MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | (read_only ? MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME : 0));
  if (syscall(SYS_pivot_root, ".", ".") != 0) fail("pivot_root(%s)", root);
  if (umount2(".", MNT_DETACH) != 0) fail("umount(the old root)");
  if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0) fail("mount(read-only)");
  if (chdir("/files") != 0) fail("chdir(the tree)");
}

/* --- what it may do ---------------------------------------------------------------------------------------------- */

static void keep_capabilities(int read_only) {
  /* Not CAP_DAC_READ_SEARCH, by which files are opened by handle, wherever they are; DAC_OVERRIDE reads as well. */
  unsigned long long kept = 1ULL << CAP_DAC_OVERRIDE;
  if (!read_only) {
    kept |= 1ULL << CAP_CHOWN | 1ULL << CAP_FOWNER | 1ULL << CAP_FSETID | 1ULL << CAP_MKNOD | 1ULL << CAP_SETFCAP;
  }
  for (int number = 0; prctl(PR_CAPBSET_READ, number) >= 0; number++) {
    if (!(kept >> number & 1) && prctl(PR_CAPBSET_DROP, number) != 0) fail("prctl(PR_CAPBSET_DROP, %d)", number);
  }
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {
      {(unsigned)kept, (unsigned)kept, 0}, {(unsigned)(kept >> 32), (unsigned)(kept >> 32), 0}};
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) fail("prctl(PR_CAP_AMBIENT)");
  if (syscall(SYS_capset, &header, data) != 0) fail("capset");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("prctl(PR_SET_NO_NEW_PRIVS)");
}

static void lock(const char *path) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  /* Without O_CLOEXEC: all that descend from here have it open. */
  int file = open(path, O_RDWR | O_CREAT, 0600);
  if (file < 0) fail("open(%s)", path);
  if (fcntl(file, F_OFD_SETLK, &whole) != 0) fail("another program works on this tree: fcntl(%s, F_OFD_SETLK)", path);
}

static int connected(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    fail("connect(%s)", path);
  }
  strcpy(address.sun_path, path);
  int connection = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) != 0) fail("connect(%s)", path);
  return connection;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

int main(int count, char **words) {
  if (count > 1 && strcmp(words[1], "bridge") == 0) return bridge();
  const char *pid = NULL, *lock_file = NULL, *socket_path = NULL;
  int read_only = 0, write_back = 0, at = 3;
  for (; at < count && strcmp(words[at], "--") != 0; at++) {
    if (strcmp(words[at], "--read-only") == 0) read_only = 1;
    else if (strcmp(words[at], "--write-back") == 0) write_back = 1;
    else if (strcmp(words[at], "--mounts-of") == 0 && at + 1 < count) pid = words[++at];
    else if (strcmp(words[at], "--lock") == 0 && at + 1 < count) lock_file = words[++at];
    else if (strcmp(words[at], "--socket") == 0 && at + 1 < count) socket_path = words[++at];
    else break;
  }
  if (at + 1 >= count || strcmp(words[at], "--") != 0) {
    errno = EINVAL;
    fail("usage: confined ROOT TREE [OPTION...] -- PROGRAM [ARGUMENT...]");
  }
  char **program = words + at + 1;

  /* Nothing of the agent's that was not meant for this. */
  if (close_range(3, ~0U, 0) != 0) fail("close_range");
  if (socket_path != NULL) {
    int connection = connected(socket_path);
    if (connection != SOCKET && (dup2(connection, SOCKET) < 0 || close(connection) != 0)) fail("dup2");
  }
  if (lock_file != NULL) lock(lock_file);
  if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC) != 0) fail("unshare");
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail("mount(private)");
  /* By its name: the link itself leads into the namespace before. */
  char name[4096];
  ssize_t length = readlink("/proc/self/exe", name, sizeof name - 1);
  if (length < 0) fail("readlink(/proc/self/exe)");
  name[length] = 0;
  int self = clone_of(name);
  int tree = pid == NULL ? clone_of(words[2]) : clone_in_namespace_of(pid, words[2]);

  int parent[2];
  if (pipe2(parent, O_CLOEXEC) != 0) fail("pipe");
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child > 0) {
    close(parent[0]);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    if (socket_path != NULL) close(SOCKET);
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
      if (errno != EINTR) fail("waitpid");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  close(parent[1]);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail("prctl(PR_SET_PDEATHSIG)");
  struct pollfd end = {.fd = parent[0], .events = POLLIN};
  /* It may have died before that. */
  if (poll(&end, 1, 0) != 0) return NOT_STARTED;
  enter(words[1], tree, self, read_only);
  if (write_back) {
    int files = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files < 0 || syncfs(files) != 0) fail("syncfs");
    close(files);
  }
  keep_capabilities(read_only);
  umask(0);
  execvp(program[0], program);
  fail("exec(%s)", program[0]);
}
