// Answers each byte that comes by a TCP connection with the number of bytes that came so far, modulo 10. One
// connection after the other, but a child for each, so that the listening socket is always served.
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7000)};
    int one = 1, listening = socket(AF_INET, SOCK_STREAM, 0), connection;

    signal(SIGCHLD, SIG_IGN);
    if (argc != 2 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1
        || setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one)
        || bind(listening, (struct sockaddr *)&address, sizeof address) || listen(listening, 10))
        return 1;
    while ((connection = accept(listening, NULL, NULL)) >= 0) {
        if (fork() == 0) {
            char byte, answer;
            for (int count = 1; read(connection, &byte, 1) == 1; count++) {
                answer = '0' + count % 10;
                if (write(connection, &answer, 1) != 1)
                    return 2;
            }
            return 0;
        }
        close(connection);
    }
    return 3;
}
