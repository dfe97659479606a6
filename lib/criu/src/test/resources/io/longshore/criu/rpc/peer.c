// Takes the part of runc: starts a program as criu, sends it a request, and goes on as it is told.
//   peer PROGRAM REQUEST-FILE
// Orders, of a line: send HEX; receive, which answers HEX or "end"; close; wait, which answers the exit status.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments) {
  static unsigned char message[1 << 17];
  static char line[1 << 16];
  int ends[2], status;
  if (count != 3 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends)) return 1;
  pid_t criu = fork();
  if (criu == 0) {
    char number[16];
    close(ends[0]);
    snprintf(number, sizeof number, "%d", ends[1]);
    execl(arguments[1], "criu", "swrk", number, (char *)NULL);
    _exit(1);
  }
  close(ends[1]);
  FILE *file = fopen(arguments[2], "r");
  size_t length = fread(message, 1, sizeof message, file);
  fclose(file);
  if (send(ends[0], message, length, 0) < 0) return 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin)) {
    if (!strncmp(line, "send ", 5)) {
      for (length = 0; sscanf(line + 5 + 2 * length, "%2hhx", &message[length]) == 1;) length++;
      printf("%s\n", send(ends[0], message, length, MSG_NOSIGNAL) < 0 ? "end" : "sent");
    } else if (!strcmp(line, "receive\n")) {
      ssize_t received = recv(ends[0], message, sizeof message, 0);
      for (ssize_t i = 0; i < received; i++) printf("%02x", message[i]);
      printf("%s\n", received > 0 ? "" : "end");
    } else if (!strcmp(line, "close\n")) {
      close(ends[0]);
      printf("closed\n");
    } else {
      waitpid(criu, &status, 0);
      printf("%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
  }
  return 0;
}
