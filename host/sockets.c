/* sockets: see sockets.h. */
#include "sockets.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct known {
    int fd;
    int port; /* of ours; 0 until the first exchange on it begins */
};

/* Of the process, since libcurl closes the last sockets when everything else is gone. */
static struct {
    struct known *list;
    size_t count, size;
} all;

static bool remember(int fd)
{
    if (all.count == all.size) {
        size_t size = all.size ? 2 * all.size : 64;
        struct known *list = realloc(all.list, size * sizeof *list);
        if (!list)
            return false;
        all.list = list;
        all.size = size;
    }
    all.list[all.count++] = (struct known){.fd = fd};
    return true;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg, (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0 && !remember(fd)) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    (void)arg;
    for (size_t i = 0; i < all.count; i++)
        if (all.list[i].fd == fd)
            all.list[i] = all.list[--all.count];
    if (all.count == 0) {
        free(all.list);
        all.list = NULL;
        all.size = 0;
    }
    return close(fd);
}

bool sockets_watch(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close) == CURLE_OK;
}

static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name = {0};
    socklen_t len = sizeof name;
    if (getsockname(fd, &name.any, &len) != 0)
        return -1;
    return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}

bool sockets_is_stale(int local_port)
{
    char byte;
    for (size_t i = 0; i < all.count; i++)
        if (all.list[i].port == local_port)
            return recv(all.list[i].fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
    for (size_t i = 0; i < all.count; i++)
        if (all.list[i].port == 0 && port_of(all.list[i].fd) == local_port)
            all.list[i].port = local_port;
    return false;
}
