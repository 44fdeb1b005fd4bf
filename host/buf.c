/* buf: see buf.h. */
#include "buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t cap)
{
    *b = (struct buf){.cap = cap};
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.cap = b->cap};
}

void buf_wipe(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->size);
    buf_free(b);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

enum buf_status buf_reserve(struct buf *b, size_t extra)
{
    if (extra > b->cap || b->len > b->cap - extra)
        return BUF_FULL;
    size_t need = b->len + extra + 1;
    if (need <= b->size)
        return BUF_OK;
    size_t size = b->size ? b->size : 256;
    while (size < need)
        size *= 2;
    char *data = realloc(b->data, size);
    if (!data)
        return BUF_NOMEM;
    b->data = data;
    b->size = size;
    b->data[b->len] = '\0';
    return BUF_OK;
}

enum buf_status buf_append(struct buf *b, const void *bytes, size_t len)
{
    enum buf_status status = buf_reserve(b, len);
    if (status != BUF_OK)
        return status;
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
    return BUF_OK;
}

enum buf_status buf_puts(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

enum buf_status buf_putc(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

enum buf_status buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return BUF_NOMEM;
    enum buf_status status = buf_reserve(b, (size_t)len);
    if (status != BUF_OK)
        return status;
    va_start(args, format);
    vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
    va_end(args);
    b->len += (size_t)len;
    return BUF_OK;
}

const char *buf_text(const struct buf *b)
{
    return b->data ? b->data : "";
}
