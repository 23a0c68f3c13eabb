/* client.c - from the address of a peer to a number. */
#include "server/client.h"

#include <netinet/in.h>
#include <string.h>

uint64_t client_of_address(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint64_t network;
    uint32_t mapped;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        return ntohl(v4.sin_addr.s_addr);
    }
    if (address->sa_family != AF_INET6)
        return 0;
    memcpy(&v6, address, sizeof v6);
    memcpy(&mapped, &v6.sin6_addr.s6_addr[12], sizeof mapped);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return ntohl(mapped);
    memcpy(&network, v6.sin6_addr.s6_addr, sizeof network);
    return network != 0 ? network : 1; /* loopback, for one */
}

uint64_t client_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof peer;

    return getpeername(fd, &peer.any, &size) == 0 ? client_of_address(&peer.any) : 0;
}
