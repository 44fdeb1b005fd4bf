/*
 * buf: a byte buffer that grows up to a cap fixed at birth.
 *
 * Ownership: whoever calls buf_init() calls buf_free(). `data` is NUL-terminated whenever it is not NULL, and stays
 * valid until the next call that appends. Not thread-safe, like everything in the host: there is one thread.
 */
#ifndef MOONKEY_BUF_H
#define MOONKEY_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t len;  /* bytes in use, without the terminating NUL */
    size_t size; /* bytes allocated */
    size_t cap;  /* `len` never exceeds this */
};

enum buf_status { BUF_OK, BUF_FULL, BUF_NOMEM };

void buf_init(struct buf *b, size_t cap);
void buf_free(struct buf *b);
/* Like buf_free(), after overwriting the contents: for anything that may have held a secret. */
void buf_wipe(struct buf *b);
/* Forget the contents, keep the memory. */
void buf_reset(struct buf *b);

/* All or nothing: on BUF_FULL and BUF_NOMEM the buffer is as it was. */
enum buf_status buf_reserve(struct buf *b, size_t extra);
enum buf_status buf_append(struct buf *b, const void *bytes, size_t len);
enum buf_status buf_puts(struct buf *b, const char *text);
enum buf_status buf_putc(struct buf *b, char c);
enum buf_status buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The contents, never NULL. */
const char *buf_text(const struct buf *b);

#endif
