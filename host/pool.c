/* pool: see pool.h. */
#include "pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    GRAIN = 16, /* sizes are rounded up to a multiple of it, and blocks aligned to it */
    LARGEST = 512,
    SLAB = 128 << 10, /* a start takes four or five */
};

struct block {
    struct block *next; /* free one of this size */
};

static struct block *unused[LARGEST / GRAIN + 1];
static char *slab, *slab_end; /* what no block has been cut off yet */

static bool is_small(size_t size)
{
    return size <= LARGEST;
}

static size_t grains(size_t size)
{
    return (size + GRAIN - 1) / GRAIN;
}

static void give_back(void *memory, size_t count)
{
    struct block *block = memory;
    block->next = unused[count];
    unused[count] = block;
}

/* Its pages are there at once: to have each brought when it is first touched takes the system three times as long. */
static bool new_slab(void)
{
    size_t rest = (size_t)(slab_end - slab) / GRAIN;
    char *memory = mmap(NULL, SLAB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    if (rest > 0)
        give_back(slab, rest);
    slab = memory;
    slab_end = memory + SLAB;
    return true;
}

static void *take(size_t count)
{
    struct block *block = unused[count];
    if (block) {
        unused[count] = block->next;
        return block;
    }
    if ((size_t)(slab_end - slab) < count * GRAIN && !new_slab())
        return NULL;
    void *cut = slab;
    slab += count * GRAIN;
    return cut;
}

static void release(void *block, size_t size)
{
    if (is_small(size))
        give_back(block, grains(size));
    else
        free(block);
}

static void *move(void *block, size_t old_size, size_t new_size)
{
    void *moved = is_small(new_size) ? take(grains(new_size)) : malloc(new_size);
    if (!moved) /* a smaller one may stay where it is, and be given back as what it is by then */
        return new_size < old_size ? block : NULL;
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    release(block, old_size);
    return moved;
}

void *pool_resize(void *block, size_t old_size, size_t new_size)
{
    if (new_size == 0) {
        if (block)
            release(block, old_size);
        return NULL;
    }
    if (!block)
        return is_small(new_size) ? take(grains(new_size)) : malloc(new_size);
    if (!is_small(old_size) && !is_small(new_size))
        return realloc(block, new_size);
    if (is_small(old_size) && is_small(new_size) && grains(old_size) == grains(new_size))
        return block;
    return move(block, old_size, new_size);
}
