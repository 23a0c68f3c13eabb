/* client.c - from the address of a peer to a number. */
#include "server/client.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

uint64_t client_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof peer;
    uint64_t network;
    uint32_t mapped;

    if (getpeername(fd, &peer.any, &size) != 0)
        return 0;
    if (peer.any.sa_family == AF_INET)
        return ntohl(peer.v4.sin_addr.s_addr);
    if (peer.any.sa_family != AF_INET6)
        return 0;
    memcpy(&mapped, &peer.v6.sin6_addr.s6_addr[12], sizeof mapped);
    if (IN6_IS_ADDR_V4MAPPED(&peer.v6.sin6_addr))
        return ntohl(mapped);
    memcpy(&network, peer.v6.sin6_addr.s6_addr, sizeof network);
    return network != 0 ? network : 1; /* loopback, for one */
}
