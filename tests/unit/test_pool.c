/* pool: blocks keep their bytes, whatever sizes they go through, and are used again. */
#include "unit.h"

#include <stdint.h>

#include "pool.h"

enum { BLOCKS = 200, TURNS = 20000, LARGEST = 1200 }; /* some of them malloc's, some the pool's */

static struct {
    unsigned char *bytes;
    size_t size;
    unsigned char fill;
} blocks[BLOCKS];

static void check(size_t i, size_t len)
{
    for (size_t at = 0; at < len; at++)
        assert_int_equal(blocks[i].bytes[at], blocks[i].fill);
}

static void resize(size_t i, size_t size, unsigned char fill)
{
    size_t kept = size < blocks[i].size ? size : blocks[i].size;
    blocks[i].bytes = pool_resize(blocks[i].bytes, blocks[i].size, size);
    if (size == 0)
        assert_null(blocks[i].bytes);
    else
        assert_non_null(blocks[i].bytes);
    assert_int_equal((uintptr_t)blocks[i].bytes % 16, 0);
    check(i, kept);
    if (size > 0)
        memset(blocks[i].bytes, fill, size);
    blocks[i].size = size;
    blocks[i].fill = fill;
}

static void keeps_bytes(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int turn = 0; turn < TURNS; turn++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t i = (size_t)(seed >> 40) % BLOCKS, size = (size_t)(seed >> 20) % LARGEST;
        check(i, blocks[i].size);
        resize(i, seed >> 63 ? size : size % 64, (unsigned char)(seed >> 32));
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        check(i, blocks[i].size);
        resize(i, 0, 0);
    }
}

static void uses_blocks_again(void **state)
{
    (void)state;
    void *first = pool_resize(NULL, 0, 40), *other = pool_resize(NULL, 0, 40);
    assert_ptr_not_equal(first, other);
    assert_ptr_equal(pool_resize(first, 40, 48), first); /* it has the room */
    assert_ptr_equal(pool_resize(first, 48, 33), first);
    assert_null(pool_resize(first, 33, 0));
    assert_ptr_equal(pool_resize(NULL, 0, 48), first);
    assert_ptr_not_equal(pool_resize(NULL, 0, 48), first);
    assert_null(pool_resize(NULL, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_bytes),
        cmocka_unit_test(uses_blocks_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
