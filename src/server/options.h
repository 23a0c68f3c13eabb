/* options.h - what the server can be told.  Names, units, ranges and
 * defaults: src/config_table.c. */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "codec/request.h"

struct access;

enum metrics_access { METRICS_WANT_TOKEN, METRICS_ARE_OPEN };

struct server_options {
    const char *listen_address;                      /* numeric, IPv4 or IPv6 */
    const char *cors_origin;                         /* "" for none, "*" for all */
    const char *tokens_file;                         /* "" for none: everybody may call */
    uint64_t metrics_access;                         /* enum metrics_access */
    const char *tls_certificate_file, *tls_key_file; /* "" for both: no TLS */
    const char *tls_client_ca_file;                  /* "": clients need no certificate */
    uint64_t listen_port;                            /* 0: the kernel picks one */
    const char *metrics_address;                     /* "" if metrics are served with the rest */
    uint64_t metrics_port;
    uint64_t loops;          /* 0: as many as CPUs, 4 at most */
    uint64_t workers;        /* 0: as many as CPUs */
    uint64_t queue_jobs_max; /* 0: 32 times the workers */
    uint64_t inline_bytes_max;
    uint64_t binary_bytes_max;
    uint64_t json_bytes_max;
    uint64_t elements_max;
    uint64_t envelope_bytes_max;
    uint64_t json_depth_max;
    uint64_t confusion_classes_max;
    uint64_t memory_budget_bytes; /* 0: by the memory there is */
    uint64_t pool_bytes_max;
    uint64_t connections_max;
    uint64_t connection_memory_bytes; /* the library zeroes it for every request */
    uint64_t client_requests_max;     /* 0: no limit */
    uint64_t header_timeout_ms;
    uint64_t body_rate_min_bytes_per_s;
    uint64_t body_rate_grace_ms;
    uint64_t idle_timeout_ms;
    uint64_t request_timeout_ms;
    uint64_t response_timeout_ms;
    uint64_t drain_delay_ms;
    uint64_t drain_timeout_ms;

    /* Of the program; no settings. */
    const char *version, *revision;
    struct access *access; /* who may call; NULL: everybody */
};

/* The limits of decoding among them. */
struct codec_limits options_codec_limits(const struct server_options *options);

/* Replace each 0 that stands for "by the machine": loops and workers by the CPUs this process may
 * use, the places in the queue by 32 for each worker, the budget by 60 % of the memory it may
 * use. */
void options_resolve(struct server_options *options);

#endif
