/*
 * rows_framing: what the parts of rows share: a window on the stream, moved along by one framer a format.
 */
#ifndef MOONKEY_ROWS_FRAMING_H
#define MOONKEY_ROWS_FRAMING_H

#include <stdarg.h>
#include <stdbool.h>

#include "rows.h"

struct csv_framer;

struct rows {
    enum rows_format format;
    bool started;           /* the byte order mark and the format have been dealt with */
    bool finished;          /* no more bytes will come */
    bool skipping;          /* in a row that is too long: nothing of it is kept */
    enum rows_status ended; /* ROWS_ROW while there may be more rows, or the status that every further call returns */

    /* The window: bytes that were put in and are not rows yet. */
    char *data;
    size_t size;      /* allocated */
    size_t start;     /* the first byte of the row */
    size_t scan;      /* the first byte that was not looked at */
    size_t end;       /* behind the last byte */
    uint64_t dropped; /* bytes of the stream before data[0] */

    size_t line;     /* the line of data[scan] */
    size_t row_line; /* the line of data[start], or of what was skipped */

    enum { ARRAY_BEFORE, ARRAY_FIRST, ARRAY_ELEMENT, ARRAY_NEXT, ARRAY_INSIDE, ARRAY_AFTER } array;
    size_t depth;
    bool in_string, escaped;

    struct csv_framer *csv;
    char error[256];
};

enum rows_status rows_next_array(struct rows *rows, struct row *row);
enum rows_status rows_next_csv(struct rows *rows, struct row *row);
/* NULL when memory ran out. */
struct csv_framer *csv_framer_new(void);
void csv_framer_free(struct csv_framer *csv);

/* Fill in `row` for a bad row, or for the end of the rows, and return `status`. */
enum rows_status rows_complain(struct rows *rows, struct row *row, enum rows_status status, size_t line, const char *format,
                               ...) __attribute__((format(printf, 5, 6)));
/* The complaint about a row of more than ROWS_MAX_ROW bytes. */
enum rows_status rows_too_long(struct rows *rows, struct row *row);

#endif
