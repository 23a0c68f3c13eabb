/* quota.c - how many requests each client has that are being served. */
#include "server/quota.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>

#include "server/client.h"

struct quota_client {
    uint64_t number;      /* client_of */
    uint64_t connections; /* the quota's lock guards it */
    _Atomic uint64_t requests;
};

struct quota {
    uint64_t requests_max; /* constant; 0: any number */
    pthread_mutex_t lock;  /* guards the rest */
    void *clients;         /* a tree of tsearch, by their numbers */
};

static int compare(const void *a, const void *b)
{
    uint64_t x = ((const struct quota_client *)a)->number;
    uint64_t y = ((const struct quota_client *)b)->number;

    return (x > y) - (x < y);
}

struct quota *quota_new(uint64_t requests_max)
{
    struct quota *quota = calloc(1, sizeof *quota);

    if (quota == NULL)
        return NULL;
    quota->requests_max = requests_max;
    if (pthread_mutex_init(&quota->lock, NULL) == 0)
        return quota;
    free(quota);
    return NULL;
}

void quota_free(struct quota *quota)
{
    if (quota == NULL)
        return;
    (void)pthread_mutex_destroy(&quota->lock); /* nobody is connected, so the tree is empty */
    free(quota);
}

bool quota_enter(struct quota *quota, int fd, struct quota_client **client)
{
    uint64_t number = quota->requests_max != 0 ? client_of(fd) : 0;
    struct quota_client *fresh, **known;

    *client = NULL;
    if (number == 0)
        return true;
    fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL)
        return false;
    fresh->number = number;
    (void)pthread_mutex_lock(&quota->lock);
    known = tsearch(fresh, &quota->clients, compare);
    if (known != NULL) {
        *client = *known;
        (*client)->connections++;
    }
    (void)pthread_mutex_unlock(&quota->lock);
    if (*client != fresh)
        free(fresh);
    return *client != NULL;
}

void quota_leave(struct quota *quota, struct quota_client *client)
{
    if (client == NULL)
        return;
    (void)pthread_mutex_lock(&quota->lock);
    if (--client->connections == 0) {
        (void)tdelete(client, &quota->clients, compare);
        free(client);
    }
    (void)pthread_mutex_unlock(&quota->lock);
}

bool quota_begin(const struct quota *quota, struct quota_client *client)
{
    return client != NULL && client->requests++ >= quota->requests_max;
}

void quota_end(struct quota_client *client)
{
    if (client != NULL)
        client->requests--;
}
