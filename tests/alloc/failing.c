/*
 * failing: a library for LD_PRELOAD that makes allocations fail, and checks what the program itself does with the others.
 *
 *     ALLOC_FAIL=KIND:N    the Nth allocation of a kind fails, from 1
 *     ALLOC_FAIL=KIND:N+   the same, and from then on all, of any kind
 *     ALLOC_LUA=FROM-TO    where the allocator is that the program gives to Lua, as offsets in its file
 *     ALLOC_REPORT=FD      at the end, to this descriptor: `KIND COUNT` for each, and for each block that the program's own
 * code has asked for and not freed `kept SIZE OFFSET`; OFFSET is that of the call in the program's file
 *
 * A kind is told by who asks: `own`, the program's code; `lua`, that code for Lua; `curl`, libcurl; `libc`, the C library for
 * anyone; `other`, any other library. Counting by kind makes N mean nearly the same from run to run, and finds the few that
 * matter. Asking again, as Lua does after collecting garbage, is an allocation of its own. Growing counts, shrinking does too:
 * it is allowed to fail.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 1 << 18 }; /* far more than the blocks that a small run has at a time */

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void *(*next_memalign)(size_t, size_t);
static void (*next_free)(void *);

enum kind { OWN, LUA, CURL, LIBC, OTHER, KINDS };
static const char *const names[KINDS] = {"own", "lua", "curl", "libc", "other"};

/* Where the code of each kind is mapped; LUA's is within OWN's. */
static struct {
    uintptr_t from, to;
} code[KINDS];
static uintptr_t base; /* of the program's file */

static atomic_ulong asked[KINDS];
static enum kind fail_kind = KINDS;
static unsigned long fail_at;
static bool fail_on;
static atomic_bool failing; /* all of them, from now on */
static int report_fd = -1;

/* Blocks of the program's own, by address: open addressing. */
static struct block {
    void *at; /* NULL: free; GONE: was used */
    size_t size;
    uintptr_t caller;
} blocks[SLOTS];
static char gone;
#define GONE ((void *)&gone)
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- setting up ---- */

/* What is asked for while dlsym() looks for the real functions; never freed. */
static char early[4096];
static size_t early_used;

static void *early_alloc(size_t size)
{
    size_t at = (early_used + 15) & ~(size_t)15;
    if (at + size > sizeof early)
        abort();
    early_used = at + size;
    return early + at;
}

static bool is_early(const void *block)
{
    return (const char *)block >= early && (const char *)block < early + sizeof early;
}

/* The program comes first, without a name. */
static enum kind kind_of_object(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return *name == '\0' ? OWN : strncmp(name, "libcurl", 7) == 0 ? CURL : strncmp(name, "libc.so", 7) == 0 ? LIBC : OTHER;
}

static int find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    enum kind kind = kind_of_object(info->dlpi_name);
    if (kind == OTHER || code[kind].to)
        return 0;
    if (kind == OWN)
        base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
            code[kind].from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            code[kind].to = code[kind].from + info->dlpi_phdr[i].p_memsz;
        }
    return 0;
}

static void read_orders(void)
{
    const char *fail = getenv("ALLOC_FAIL"), *lua = getenv("ALLOC_LUA"), *report = getenv("ALLOC_REPORT");
    const char *colon = fail ? strchr(fail, ':') : NULL;
    for (int kind = 0; colon && kind < KINDS; kind++)
        if (strncmp(fail, names[kind], (size_t)(colon - fail)) == 0)
            fail_kind = (enum kind)kind;
    if (colon) {
        char *end;
        fail_at = strtoul(colon + 1, &end, 10);
        fail_on = *end == '+';
    }
    if (lua) {
        char *end;
        code[LUA].from = base + strtoul(lua, &end, 16);
        code[LUA].to = base + strtoul(end + (*end == '-'), NULL, 16);
    }
    if (report)
        report_fd = atoi(report);
}

static bool ready(void)
{
    static enum { NEW, BUSY, DONE } state;
    if (state != NEW)
        return state == DONE;
    state = BUSY;
    *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next_memalign = dlsym(RTLD_NEXT, "memalign");
    *(void **)&next_free = dlsym(RTLD_NEXT, "free");
    dl_iterate_phdr(find_code, NULL);
    read_orders();
    state = DONE;
    return true;
}

static bool is_of(enum kind kind, uintptr_t caller)
{
    return caller >= code[kind].from && caller < code[kind].to;
}

static enum kind kind_of(uintptr_t caller)
{
    static const enum kind order[] = {LUA, OWN, CURL, LIBC};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (is_of(order[i], caller))
            return order[i];
    return OTHER;
}

static bool fails(void *return_address)
{
    enum kind kind = kind_of((uintptr_t)return_address);
    unsigned long n = atomic_fetch_add(&asked[kind], 1) + 1;
    bool now = kind == fail_kind && n == fail_at;
    if (now && fail_on)
        failing = true;
    if (now || failing)
        errno = ENOMEM;
    return now || failing;
}

/* ---- what the program has ---- */

static struct block *find(const void *at)
{
    for (size_t i = ((uintptr_t)at >> 4) % SLOTS;; i = (i + 1) % SLOTS)
        if (blocks[i].at == at || !blocks[i].at)
            return &blocks[i];
}

static void forget(void *at)
{
    pthread_mutex_lock(&lock);
    struct block *b = find(at);
    if (b->at)
        b->at = GONE;
    pthread_mutex_unlock(&lock);
}

static void *remember(void *at, size_t size, void *return_address)
{
    uintptr_t caller = (uintptr_t)return_address;
    if (!at || !is_of(OWN, caller))
        return at;
    pthread_mutex_lock(&lock);
    size_t i = ((uintptr_t)at >> 4) % SLOTS;
    while (blocks[i].at && blocks[i].at != GONE)
        i = (i + 1) % SLOTS;
    blocks[i] = (struct block){at, size, caller};
    pthread_mutex_unlock(&lock);
    return at;
}

__attribute__((destructor)) static void report(void)
{
    if (report_fd < 0)
        return;
    failing = false; /* writing the report needs memory, too */
    fail_kind = KINDS;
    for (int kind = 0; kind < KINDS; kind++)
        dprintf(report_fd, "%s %lu\n", names[kind], atomic_load(&asked[kind]));
    for (size_t i = 0; i < SLOTS; i++)
        if (blocks[i].at && blocks[i].at != GONE)
            dprintf(report_fd, "kept %zu %#lx\n", blocks[i].size, (unsigned long)(blocks[i].caller - base - 1));
}

/* ---- in the place of the C library's ---- */

#define CALLER __builtin_return_address(0)

void *malloc(size_t size)
{
    if (!ready())
        return early_alloc(size);
    return fails(CALLER) ? NULL : remember(next_malloc(size), size, CALLER);
}

void *calloc(size_t count, size_t size)
{
    if (!ready())
        return early_alloc(count * size); /* static memory is zero */
    return fails(CALLER) ? NULL : remember(next_calloc(count, size), count * size, CALLER);
}

void *realloc(void *block, size_t size)
{
    if (!ready() || is_early(block))
        abort();
    if (size > 0 && fails(CALLER))
        return NULL;
    if (block)
        forget(block); /* before somebody else can be given the address */
    return remember(next_realloc(block, size), size, CALLER);
}

void free(void *block)
{
    if (!block || is_early(block))
        return;
    forget(block);
    next_free(block);
}

void *memalign(size_t alignment, size_t size)
{
    ready();
    return fails(CALLER) ? NULL : remember(next_memalign(alignment, size), size, CALLER);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    ready();
    return fails(CALLER) ? NULL : remember(next_memalign(alignment, size), size, CALLER);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    ready();
    if (fails(CALLER))
        return ENOMEM;
    *block = remember(next_memalign(alignment, size), size, CALLER);
    return *block ? 0 : ENOMEM;
}
