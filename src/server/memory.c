/* memory.c - blocks in a few sizes, kept in a list per size. */
#include "server/memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Sizes are 2^k and 3 * 2^(k-1), so that at most a third of a block is unused. */
enum { SMALLEST_BYTES = 16 * 1024, SIZES = 64, MAPPED_BYTES_MIN = 256 * 1024 };

/* Large blocks are asked for in huge pages, which are touched 512 times more quickly; and are cut
 * between them.  Where pages are of another size nothing but these advantages is lost. */
enum { HUGE_BYTES = 2 * 1024 * 1024 };

/* When so many blocks were given back since, nobody may want the kept ones of a size any more. */
enum { GIVES_UNTIL_STALE = 256 };

/* At the beginning of a block that is kept. */
struct kept {
    struct kept *next;
    size_t bytes;   /* from the block's beginning: the kernel has the rest back */
    uint64_t since; /* as memory counts: how many were given back before it */
};

struct memory {
    size_t budget_bytes, kept_bytes_max; /* constant */
    pthread_mutex_t lock;                /* guards all below */
    size_t used_bytes, kept_bytes;
    uint64_t gives;
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
    if (block == MAP_FAILED)
        return NULL;
    if (bytes >= 2 * HUGE_BYTES)
        (void)madvise(block, bytes, MADV_HUGEPAGE); /* a wish: kernels may be without */
    return block;
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

/* The block of this size that was kept last, which is the caller's now; NULL if there is none. */
static void *take_kept(struct memory *memory, unsigned size)
{
    struct kept *block = memory->kept[size];

    if (block != NULL) {
        memory->kept[size] = block->next;
        memory->kept_bytes -= block->bytes;
    }
    return block;
}

/* Release kept blocks, largest first, until `bytes` more fit the budget or none is left. */
static void evict(struct memory *memory, size_t bytes)
{
    unsigned size = SIZES - 1;

    while (memory->kept_bytes > 0 &&
           memory->used_bytes + memory->kept_bytes + bytes > memory->budget_bytes) {
        if (memory->kept[size] != NULL)
            release(take_kept(memory, size), size_bytes(size));
        else
            size--; /* there is one in some list */
    }
}

/* Release what is kept in vain, largest first, until `bytes` more may be kept.  The block that was
 * kept last is the first to be used: where it is stale all of its size are. */
static void forget(struct memory *memory, size_t bytes)
{
    for (unsigned size = SIZES;
         size-- > 0 && memory->kept_bytes_max - memory->kept_bytes < bytes;) {
        while (memory->kept[size] != NULL &&
               memory->gives - memory->kept[size]->since > GIVES_UNTIL_STALE)
            release(take_kept(memory, size), size_bytes(size));
    }
}

/* How much of a block is to be kept: all of it, or of a mapped one what there is room for, if that
 * is the better half; else 0.  A body that is a little larger than its size is in a block of the
 * next, most of which was never touched. */
static size_t bytes_to_keep(const struct memory *memory, size_t granted)
{
    size_t room = memory->kept_bytes_max - memory->kept_bytes;

    if (granted <= room)
        return granted;
    room -= room % HUGE_BYTES;
    return granted >= 2 * HUGE_BYTES && room >= granted / 2 ? room : 0;
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

/* A block, unless there would be more than `limit` bytes in use. */
static void *take(struct memory *memory, size_t limit, size_t bytes, size_t *granted)
{
    unsigned size = size_for(bytes);
    size_t whole;
    void *block = NULL;

    if (size == SIZES)
        return NULL;
    whole = size_bytes(size);
    (void)pthread_mutex_lock(&memory->lock);
    if (whole <= limit && memory->used_bytes <= limit - whole) {
        block = take_kept(memory, size);
        evict(memory, whole); /* a block kept in part grows again */
        if (block == NULL)
            block = fetch(whole);
        if (block != NULL)
            memory->used_bytes += whole;
    }
    (void)pthread_mutex_unlock(&memory->lock);
    if (block != NULL)
        *granted = whole;
    return block;
}

void *memory_take(struct memory *memory, size_t bytes, size_t *granted)
{
    return take(memory, memory->budget_bytes, bytes, granted);
}

void *memory_take_vital(struct memory *memory, size_t bytes, size_t *granted)
{
    return take(memory, memory->budget_bytes + MEMORY_VITAL_BYTES, bytes, granted);
}

bool memory_could_take(const struct memory *memory, size_t held, size_t bytes)
{
    unsigned size = size_for(bytes);

    return size < SIZES && held <= memory->budget_bytes &&
           size_bytes(size) <= memory->budget_bytes - held;
}

void memory_give(struct memory *memory, void *block, size_t granted)
{
    unsigned size = size_for(granted);
    struct kept *kept = block;
    size_t bytes;

    assert(size < SIZES && size_bytes(size) == granted);
    (void)pthread_mutex_lock(&memory->lock);
    memory->used_bytes -= granted;
    memory->gives++;
    forget(memory, granted);
    bytes = bytes_to_keep(memory, granted);
    if (bytes > 0) {
        if (bytes < granted)
            (void)madvise((char *)block + bytes, granted - bytes, MADV_DONTNEED);
        *kept = (struct kept){memory->kept[size], bytes, memory->gives};
        memory->kept[size] = kept;
        memory->kept_bytes += bytes;
    }
    (void)pthread_mutex_unlock(&memory->lock);
    if (bytes == 0)
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
