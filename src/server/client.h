/* client.h - who is at the other end of a connection, as far as quotas go. */
#ifndef SERVER_CLIENT_H
#define SERVER_CLIENT_H

#include <stdint.h>
#include <sys/socket.h>

/* The same number for all connections of one IPv4 address, or of one IPv6 network of 64 bits, which
 * is what a single subscriber gets; 0 for what has no address. */
uint64_t client_of(int fd);

/* The same for an address, as long as those of its family are. */
uint64_t client_of_address(const struct sockaddr *address);

#endif
