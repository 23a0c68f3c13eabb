/* memory.h - the blocks that requests live in, and how many bytes all of them together may hold.
 *
 * Fresh memory costs more than the network: touching a new page takes longer than copying one.  So
 * blocks are kept when they come back, up to a limit (of the last one that fits, as much as there
 * is room for), and handed out again.  Blocks in use and blocks kept together never exceed the
 * budget, so the budget bounds the memory of the process; but for a little, for those who ask what
 * fills it.  Every function may be called from any thread; none blocks for longer than the kernel
 * takes to map a block or to have it back. */
#ifndef SERVER_MEMORY_H
#define SERVER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct memory;

/* What there is beside the budget: twice what /metrics takes, compressed too. */
enum { MEMORY_VITAL_BYTES = 2 * 1024 * 1024 };

/* At most budget_bytes in use, at most kept_bytes_max kept.  NULL if memory runs out. */
struct memory *memory_new(size_t budget_bytes, size_t kept_bytes_max);

/* NULL is allowed.  Asserts that every block is back. */
void memory_free(struct memory *memory);

/* A block of at least `bytes`, aligned to 64, its size in *granted; NULL if the budget or the
 * machine has no more.  The caller owes it to memory_give. */
void *memory_take(struct memory *memory, size_t bytes, size_t *granted);

/* The same for what is answered however full the budget is: NULL once what is
 * beside it is in use as well. */
void *memory_take_vital(struct memory *memory, size_t bytes, size_t *granted);

/* Whether a block of at least `bytes` is within the budget, if but `held` bytes are in use. */
bool memory_could_take(const struct memory *memory, size_t held, size_t bytes);

/* What either of them gave. */
void memory_give(struct memory *memory, void *block, size_t granted);

/* Bytes of the blocks that are in use now. */
size_t memory_used_bytes(struct memory *memory);

#endif
