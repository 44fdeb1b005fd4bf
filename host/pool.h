/*
 * pool: small blocks of memory, for Lua: it asks for so many, and gives them back in such an order, that malloc is busy mostly
 * with joining and splitting them. Freed blocks are kept for others of their size, and slabs for the life of the program. One
 * thread only.
 */
#ifndef MOONKEY_POOL_H
#define MOONKEY_POOL_H

#include <stddef.h>

/*
 * As realloc, with the size that the block has: `old_size` is 0 where `block` is NULL. Size 0 frees. NULL when memory ran out,
 * which making a block smaller never does. A block must come from here.
 */
void *pool_resize(void *block, size_t old_size, size_t new_size);

#endif
