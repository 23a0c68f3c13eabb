/* quota.h - how many requests each client has that are being served, by all loops together.
 *
 * Who a client is, client.h says.  One is known for as long as it has connections.  Any thread. */
#ifndef SERVER_QUOTA_H
#define SERVER_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct quota;
struct quota_client;

/* For clients that may have as many requests at a time, or any number if that is 0; NULL if
 * memory runs out. */
struct quota *quota_new(uint64_t requests_max);
void quota_free(struct quota *quota);

/* A connection of a client begins and ends.  *client becomes NULL, which the rest takes too, if
 * there is no limit or nobody to hold to it; false if memory ran out. */
bool quota_enter(struct quota *quota, int fd, struct quota_client **client);
void quota_leave(struct quota *quota, struct quota_client *client);

/* A request of it begins and ends.  True if it is one too many; it has begun all the same. */
bool quota_begin(const struct quota *quota, struct quota_client *client);
void quota_end(struct quota_client *client);

#endif
