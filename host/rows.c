/* rows: the window on the stream, its beginning, and the framing of JSONL: one row a line. */
#include "rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows_framing.h"

struct rows *rows_new(enum rows_format format)
{
    struct rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return NULL;
    rows->format = format;
    rows->line = rows->row_line = 1;
    rows->ended = ROWS_ROW;
    rows->csv = csv_framer_new();
    if (!rows->csv) {
        free(rows);
        return NULL;
    }
    return rows;
}

void rows_free(struct rows *rows)
{
    if (!rows)
        return;
    csv_framer_free(rows->csv);
    free(rows->data);
    free(rows);
}

char *rows_space(struct rows *rows, size_t want)
{
    if (rows->start > 0) {
        memmove(rows->data, rows->data + rows->start, rows->end - rows->start);
        rows->dropped += rows->start;
        rows->scan -= rows->start;
        rows->end -= rows->start;
        rows->start = 0;
    }
    if (rows->size - rows->end < want) {
        size_t size = rows->end + want > 2 * rows->size ? rows->end + want : 2 * rows->size;
        char *data = realloc(rows->data, size);
        if (!data)
            return NULL;
        rows->data = data;
        rows->size = size;
    }
    return rows->data + rows->end;
}

void rows_added(struct rows *rows, size_t len)
{
    rows->end += len;
}

void rows_finish(struct rows *rows)
{
    rows->finished = true;
}

enum rows_format rows_format(const struct rows *rows)
{
    return rows->format;
}

uint64_t rows_consumed(const struct rows *rows)
{
    return rows->dropped + rows->start;
}

enum rows_status rows_complain(struct rows *rows, struct row *row, enum rows_status status, size_t line, const char *format,
                               ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(rows->error, sizeof rows->error, format, args);
    va_end(args);
    *row = (struct row){.line = line, .error = rows->error};
    if (status != ROWS_BAD)
        rows->ended = status;
    return status;
}

enum rows_status rows_too_long(struct rows *rows, struct row *row)
{
    rows->skipping = false;
    return rows_complain(rows, row, ROWS_BAD, rows->row_line, "the row is longer than %zu bytes", ROWS_MAX_ROW);
}

/* Skip a byte order mark, settle the format. False while more bytes are needed to tell. */
static bool start(struct rows *rows)
{
    static const char bom[] = "\xEF\xBB\xBF";
    size_t len = rows->end - rows->start;
    if (len < 3 && !rows->finished)
        return false;
    if (rows->scan == 0 && rows->dropped == 0 && len >= 3 && memcmp(rows->data, bom, 3) == 0)
        rows->start = rows->scan = 3;
    if (rows->format == ROWS_ANY) {
        size_t i = rows->scan, stop = rows->end < ROWS_MAX_ROW ? rows->end : ROWS_MAX_ROW;
        while (i < stop && strchr(" \t\r\n", rows->data[i]) && rows->data[i])
            i++;
        if (i == stop && stop < ROWS_MAX_ROW && !rows->finished)
            return false;
        char first = i < stop ? rows->data[i] : '\0';
        rows->format = first == '[' ? ROWS_JSON : first == '{' ? ROWS_JSONL : ROWS_CSV;
    }
    rows->started = true;
    return true;
}

static bool is_utf16(const struct rows *rows)
{
    return rows->dropped == 0 && rows->end >= 2 &&
           (memcmp(rows->data, "\xFF\xFE", 2) == 0 || memcmp(rows->data, "\xFE\xFF", 2) == 0);
}

static bool is_blank(const char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r'))
        len--;
    return len == 0;
}

/* The window begins at a line; lines longer than a row may be are dropped piece by piece. */
static enum rows_status next_line(struct rows *rows, struct row *row)
{
    for (;;) {
        char *newline = rows->end > rows->scan ? memchr(rows->data + rows->scan, '\n', rows->end - rows->scan) : NULL;
        size_t stop = newline ? (size_t)(newline - rows->data) : rows->end;
        bool complete = newline || rows->finished;

        if (rows->skipping || stop - rows->start > ROWS_MAX_ROW) {
            rows->skipping = true;
            rows->start = stop;
        }
        rows->scan = stop;
        if (!complete)
            return ROWS_MORE;
        if (!newline && rows->start == rows->end && !rows->skipping)
            return rows->ended = ROWS_END;

        row->line = rows->row_line;
        row->text = rows->data + rows->start;
        row->len = stop - rows->start;
        rows->start = rows->scan = newline ? stop + 1 : stop;
        enum rows_status status = rows->skipping ? rows_too_long(rows, row) : ROWS_ROW;
        rows->row_line++;
        if (status != ROWS_ROW)
            return status;
        if (row->len > 0 && row->text[row->len - 1] == '\r')
            row->len--;
        if (!is_blank(row->text, row->len))
            return ROWS_ROW;
    }
}

enum rows_status rows_begin(struct rows *rows, struct row *row)
{
    *row = (struct row){.line = rows->row_line, .error = rows->error};
    if (rows->started || rows->ended != ROWS_ROW)
        return rows->ended;
    if (!start(rows))
        return ROWS_MORE;
    if (!is_utf16(rows))
        return ROWS_ROW;
    return rows_complain(rows, row, ROWS_UNUSABLE, 1,
                         "the input is UTF-16, not UTF-8; save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\")");
}

enum rows_status rows_next(struct rows *rows, struct row *row)
{
    enum rows_status status = rows_begin(rows, row);
    if (status != ROWS_ROW)
        return status;
    switch (rows->format) {
    case ROWS_CSV:
        return rows_next_csv(rows, row);
    case ROWS_JSON:
        return rows_next_array(rows, row);
    default:
        return next_line(rows, row);
    }
}
