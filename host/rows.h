/*
 * rows: cuts a stream of bytes into the rows of JSONL, a JSON array, or CSV. Knows neither files nor Lua.
 *
 * The caller asks for rows with rows_next(); on ROWS_MORE it puts the next bytes of the stream in with rows_space() and
 * rows_added(), or says with rows_finish() that there are none. Memory is bounded by ROWS_MAX_ROW and the size of the pieces
 * that are put in, whatever the length of the stream. How the bytes are cut into pieces makes no difference to the rows.
 *
 * Ownership: what `struct row` points at belongs to the framer and is valid until its next call.
 */
#ifndef MOONKEY_ROWS_H
#define MOONKEY_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* A longer row is reported as bad and skipped without being kept. A test may have a smaller limit. */
#ifndef ROWS_MAX_ROW
#define ROWS_MAX_ROW ((size_t)1 << 20)
#endif

/* ROWS_ANY: by the first character, `[` for a JSON array, `{` for JSONL, anything else for CSV. */
enum rows_format { ROWS_ANY, ROWS_JSONL, ROWS_JSON, ROWS_CSV };

enum rows_status {
    ROWS_ROW,      /* a row */
    ROWS_BAD,      /* a row that cannot be read; `error` says why, and the next row can be asked for */
    ROWS_MORE,     /* more bytes are needed */
    ROWS_END,      /* there are no more rows */
    ROWS_UNUSABLE, /* the input makes no sense from `line` on; `error` says why. It stays so. */
    ROWS_NOMEM,    /* memory ran out. It stays so. */
};

struct cell {
    const char *text;
    size_t len;
};

struct row {
    size_t line;      /* the physical line on which the row begins, from 1 */
    const char *text; /* JSONL, JSON: the row's text, not checked for anything */
    size_t len;
    struct cell *cells; /* CSV: the row's cells without their quotes; an empty cell and "" are the same */
    size_t count;
    const char *error;
};

struct rows;

/* NULL when memory ran out. */
struct rows *rows_new(enum rows_format format);
void rows_free(struct rows *rows);

/* Room for the next `want` bytes of the stream, NULL when memory ran out; rows_added() says how many were put there. */
char *rows_space(struct rows *rows, size_t want);
void rows_added(struct rows *rows, size_t len);
void rows_finish(struct rows *rows);

enum rows_status rows_next(struct rows *rows, struct row *row);
/* Read only as far as the format is known: ROWS_ROW then; otherwise like rows_next(). */
enum rows_status rows_begin(struct rows *rows, struct row *row);

/* The format; ROWS_ANY until it is known. */
enum rows_format rows_format(const struct rows *rows);
/* Bytes of the stream that have been turned into rows so far. */
uint64_t rows_consumed(const struct rows *rows);

#endif
