/* memory.c - blocks in a few sizes, kept in a list per size. */
#include "server/memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Sizes are 2^k and 3 * 2^(k-1), so that at most a third of a block is unused. */
enum { SMALLEST_BYTES = 16 * 1024, SIZES = 64, MAPPED_BYTES_MIN = 256 * 1024 };

struct kept {
    struct kept *next;
};

struct memory {
    size_t budget_bytes, kept_bytes_max; /* constant */
    pthread_mutex_t lock;                /* guards all below */
    size_t used_bytes, kept_bytes;
    struct kept *kept[SIZES];
};

static size_t size_bytes(unsigned size)
{
    size_t power = (size_t)SMALLEST_BYTES << size / 2;

    return size % 2 == 0 ? power : power + power / 2;
}

/* The smallest size of at least `bytes`; SIZES if there is none. */
static unsigned size_for(size_t bytes)
{
    unsigned size = 0;

    while (size < SIZES && size_bytes(size) < bytes)
        size++;
    return size;
}

/* Large blocks are mapped, so that the kernel has them back at once when they are released. */
static void *fetch(size_t bytes)
{
    void *block;

    if (bytes < MAPPED_BYTES_MIN)
        return aligned_alloc(64, bytes);
    block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block != MAP_FAILED ? block : NULL;
}

static void release(void *block, size_t bytes)
{
    if (bytes < MAPPED_BYTES_MIN)
        free(block);
    else
        (void)munmap(block, bytes); /* cannot fail for a block that fetch() mapped */
}

struct memory *memory_new(size_t budget_bytes, size_t kept_bytes_max)
{
    struct memory *memory = calloc(1, sizeof *memory);

    if (memory == NULL)
        return NULL;
    memory->budget_bytes = budget_bytes;
    memory->kept_bytes_max = kept_bytes_max;
    if (pthread_mutex_init(&memory->lock, NULL) != 0) {
        free(memory);
        return NULL;
    }
    return memory;
}

/* Release kept blocks, largest first, until `bytes` more fit the budget or none is left. */
static void evict(struct memory *memory, size_t bytes)
{
    for (unsigned size = SIZES; size-- > 0;) {
        while (memory->kept[size] != NULL &&
               memory->used_bytes + memory->kept_bytes + bytes > memory->budget_bytes) {
            struct kept *block = memory->kept[size];

            memory->kept[size] = block->next;
            memory->kept_bytes -= size_bytes(size);
            release(block, size_bytes(size));
        }
    }
}

void memory_free(struct memory *memory)
{
    if (memory == NULL)
        return;
    assert(memory->used_bytes == 0);
    evict(memory, memory->budget_bytes);
    (void)pthread_mutex_destroy(&memory->lock);
    free(memory);
}

void *memory_take(struct memory *memory, size_t bytes, size_t *granted)
{
    unsigned size = size_for(bytes);
    size_t whole;
    void *block = NULL;

    if (size == SIZES)
        return NULL;
    whole = size_bytes(size);
    (void)pthread_mutex_lock(&memory->lock);
    if (memory->kept[size] != NULL) {
        block = memory->kept[size];
        memory->kept[size] = memory->kept[size]->next;
        memory->kept_bytes -= whole;
        memory->used_bytes += whole;
    } else if (whole <= memory->budget_bytes &&
               memory->used_bytes <= memory->budget_bytes - whole) {
        evict(memory, whole);
        block = fetch(whole);
        if (block != NULL)
            memory->used_bytes += whole;
    }
    (void)pthread_mutex_unlock(&memory->lock);
    if (block != NULL)
        *granted = whole;
    return block;
}

void memory_give(struct memory *memory, void *block, size_t granted)
{
    unsigned size = size_for(granted);
    struct kept *kept = block;

    assert(size < SIZES && size_bytes(size) == granted);
    (void)pthread_mutex_lock(&memory->lock);
    memory->used_bytes -= granted;
    if (memory->kept_bytes + granted <= memory->kept_bytes_max) {
        kept->next = memory->kept[size];
        memory->kept[size] = kept;
        memory->kept_bytes += granted;
        block = NULL;
    }
    (void)pthread_mutex_unlock(&memory->lock);
    if (block != NULL)
        release(block, granted);
}

size_t memory_used_bytes(struct memory *memory)
{
    size_t used;

    (void)pthread_mutex_lock(&memory->lock);
    used = memory->used_bytes;
    (void)pthread_mutex_unlock(&memory->lock);
    return used;
}
