/*
 * rows_csv: rows of CSV (RFC 4180) by libcsv, which is given one physical line at a time, so that no call completes more than
 * one row and the line numbers stay right across embedded newlines. libcsv's callbacks only record the cells here.
 *
 * Beyond the RFC, because spreadsheets write it: ';' and tab as delimiters, told by the header line or a `sep=;` line; CR and
 * LF alone; blank lines and lines of empty cells only are skipped; spaces around an unquoted cell are dropped. A stray quote is
 * never guessed at: the row is bad, and the next line begins a new one.
 */
#include <csv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "rows_framing.h"

#define OPTIONS    (CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL)
#define HEADER_MAX (ROWS_MAX_ROW / 8) /* how far the delimiter is looked for */

struct csv_framer {
    struct csv_parser parser;
    bool begun;     /* the delimiter is known */
    bool row_ended; /* libcsv reported the end of a row, or an empty line */
    bool nomem;
    bool after_cr;                                   /* the last line ended in CR: a LF belongs to it */
    bool odd_quotes;                                 /* inside a quoted cell, by counting quotes */
    bool closed;                                     /* the parser was told of the end */
    enum { SKIP_NOTHING, SKIP_LINE, SKIP_ROW } skip; /* of a row that was reported as bad */
    size_t row_bytes;
    unsigned char delimiter;

    struct buf text; /* the cells of the row, one after the other */
    struct cell *cells;
    size_t count, size;
};

static bool reset_parser(struct csv_framer *csv)
{
    csv_free(&csv->parser);
    if (csv_init(&csv->parser, OPTIONS) != 0)
        return false;
    csv_set_delim(&csv->parser, csv->delimiter);
    csv_set_blk_size(&csv->parser, 4096);
    return true;
}

struct csv_framer *csv_framer_new(void)
{
    struct csv_framer *csv = calloc(1, sizeof *csv);
    if (!csv)
        return NULL;
    buf_init(&csv->text, ROWS_MAX_ROW);
    csv->delimiter = ',';
    if (csv_init(&csv->parser, OPTIONS) == 0)
        return csv;
    free(csv);
    return NULL;
}

void csv_framer_free(struct csv_framer *csv)
{
    csv_free(&csv->parser);
    buf_free(&csv->text);
    free(csv->cells);
    free(csv);
}

static void on_cell(void *text, size_t len, void *arg)
{
    struct csv_framer *csv = arg;
    if (csv->count == csv->size) {
        size_t size = csv->size ? 2 * csv->size : 16;
        struct cell *cells = realloc(csv->cells, size * sizeof *cells);
        if (!cells) {
            csv->nomem = true;
            return;
        }
        csv->cells = cells;
        csv->size = size;
    }
    if (buf_append(&csv->text, text, len) != BUF_OK)
        csv->nomem = true;
    csv->cells[csv->count++].len = len;
}

static void on_row(int terminator, void *arg)
{
    (void)terminator;
    ((struct csv_framer *)arg)->row_ended = true;
}

static bool is_newline(char c)
{
    return c == '\n' || c == '\r';
}

/* Blank lines before the header go at once, however many there are. */
static void skip_blank_lines(struct rows *rows)
{
    struct csv_framer *csv = rows->csv;
    for (; rows->start < rows->end; rows->start++) {
        char c = rows->data[rows->start];
        if (!is_newline(c))
            break;
        rows->line += !(csv->after_cr && c == '\n');
        csv->after_cr = c == '\r';
    }
    rows->scan = rows->start;
    rows->row_line = rows->line;
}

/* Find the delimiter from the first line that is not blank, or its first bytes. False while they are not complete. */
static bool begin(struct rows *rows)
{
    static const char candidates[] = ",;\t";
    struct csv_framer *csv = rows->csv;
    size_t counts[sizeof candidates] = {0};
    skip_blank_lines(rows);
    bool quoted = false;
    size_t first = rows->start, i = first, far = first + HEADER_MAX, stop = far < rows->end ? far : rows->end;
    for (; i < stop; i++) {
        char c = rows->data[i];
        const char *candidate = strchr(candidates, c);
        if (c == '"')
            quoted = !quoted;
        else if (!quoted && is_newline(c))
            break;
        else if (!quoted && c && candidate)
            counts[candidate - candidates]++;
    }
    if (i == stop && stop != far && !rows->finished)
        return false;
    if (i - first == 5 && memcmp(rows->data + first, "sep=", 4) == 0) {
        csv->delimiter = (unsigned char)rows->data[i - 1];
        csv->skip = SKIP_LINE;
    } else {
        size_t best = 0;
        for (size_t k = 1; candidates[k]; k++)
            if (counts[k] > counts[best])
                best = k;
        csv->delimiter = (unsigned char)candidates[best];
    }
    csv_set_delim(&csv->parser, csv->delimiter);
    csv_set_blk_size(&csv->parser, 4096);
    return csv->begun = true;
}

/* The bytes up to the end of the line or of the window. */
static size_t line_length(const char *text, size_t len)
{
    const char *lf = memchr(text, '\n', len);
    if (lf)
        len = (size_t)(lf - text) + 1;
    const char *cr = memchr(text, '\r', len);
    if (cr && cr + 1 != lf)
        len = (size_t)(cr - text) + 1;
    return len;
}

/* The newline that ends a row is no part of it: it may be one byte or two, and they may come in two pieces. */
static size_t content_length(const char *line, size_t len)
{
    while (len > 0 && is_newline(line[len - 1]))
        len--;
    return len;
}

static void count_quotes(struct csv_framer *csv, const char *text, size_t len)
{
    const char *end = text + len;
    while ((text = memchr(text, '"', (size_t)(end - text))) != NULL) {
        csv->odd_quotes = !csv->odd_quotes;
        text++;
    }
}

/* The next row begins at the window's start. */
static void begin_row(struct rows *rows)
{
    struct csv_framer *csv = rows->csv;
    csv->count = csv->row_bytes = 0;
    csv->odd_quotes = csv->row_ended = false;
    buf_reset(&csv->text);
    rows->row_line = rows->line;
}

static enum rows_status bad_row(struct rows *rows, struct row *row, const char *why, bool line_ended)
{
    struct csv_framer *csv = rows->csv;
    size_t line = rows->row_line, error_line = line_ended ? rows->line - 1 : rows->line;
    csv->skip = line_ended ? SKIP_NOTHING : SKIP_LINE;
    begin_row(rows);
    if (!reset_parser(csv))
        return rows->ended = ROWS_NOMEM;
    if (error_line > line)
        return rows_complain(rows, row, ROWS_BAD, line, "%s (the row reaches to line %zu)", why, error_line);
    return rows_complain(rows, row, ROWS_BAD, line, "%s", why);
}

static enum rows_status parse_error(struct rows *rows, struct row *row, bool line_ended)
{
    if (csv_error(&rows->csv->parser) != CSV_EPARSE)
        return rows->ended = ROWS_NOMEM;
    return bad_row(rows, row,
                   rows->csv->parser.quoted
                       ? "text follows the closing quote of a cell; write a quote inside a quoted cell as \"\""
                       : "a quote stands inside a cell that is not quoted; quote the whole cell and write \"\"",
                   line_ended);
}

/* A row is complete: point its cells at their texts. False for a line without any content. */
static bool finish_row(struct rows *rows, struct row *row)
{
    struct csv_framer *csv = rows->csv;
    const char *text = buf_text(&csv->text);
    row->line = rows->row_line;
    row->cells = csv->cells;
    row->count = csv->count;
    for (size_t i = 0; i < csv->count; i++) {
        csv->cells[i].text = text;
        text += csv->cells[i].len;
    }
    return csv->text.len > 0;
}

static enum rows_status finish_input(struct rows *rows, struct row *row)
{
    struct csv_framer *csv = rows->csv;
    if (csv->closed || csv->skip != SKIP_NOTHING)
        return rows->ended = ROWS_END;
    csv->closed = true;
    if (csv_fini(&csv->parser, on_cell, on_row, csv) != 0) {
        if (csv_error(&csv->parser) != CSV_EPARSE)
            return rows->ended = ROWS_NOMEM;
        return rows_complain(rows, row, ROWS_BAD, rows->row_line, "a quote is not closed before the end of the input");
    }
    if (csv->nomem)
        return rows->ended = ROWS_NOMEM;
    return csv->row_ended && finish_row(rows, row) ? ROWS_ROW : (rows->ended = ROWS_END);
}

/* What is still to come of the row is skipped. */
static enum rows_status long_row(struct rows *rows, struct row *row, bool line_ended)
{
    struct csv_framer *csv = rows->csv;
    bool quoted = csv->odd_quotes;
    enum rows_status status = rows_too_long(rows, row);
    begin_row(rows);
    csv->odd_quotes = quoted;
    csv->skip = line_ended && !quoted ? SKIP_NOTHING : SKIP_ROW;
    return reset_parser(csv) ? status : (rows->ended = ROWS_NOMEM);
}

enum rows_status rows_next_csv(struct rows *rows, struct row *row)
{
    struct csv_framer *csv = rows->csv;
    if (!csv->begun && !begin(rows))
        return ROWS_MORE;
    if (csv->row_ended)
        begin_row(rows);
    while (rows->start < rows->end) {
        const char *text = rows->data + rows->start;
        size_t len = line_length(text, rows->end - rows->start);
        bool line_ended = is_newline(text[len - 1]), rest_of_newline = csv->after_cr && text[0] == '\n';
        rows->start = rows->scan = rows->start + len;
        rows->line += line_ended && !rest_of_newline;
        csv->after_cr = text[len - 1] == '\r';
        count_quotes(csv, text, len);
        if (csv->skip != SKIP_NOTHING) {
            if (line_ended && (csv->skip == SKIP_LINE || !csv->odd_quotes)) {
                csv->skip = SKIP_NOTHING;
                begin_row(rows);
            }
            continue;
        }
        /* Parsed up to the limit, however much more there is of the line: what is wrong before it is said in any case. */
        bool fits = rest_of_newline || csv->row_bytes + content_length(text, len) <= ROWS_MAX_ROW;
        size_t parsed = fits ? len : csv->row_bytes < ROWS_MAX_ROW ? ROWS_MAX_ROW - csv->row_bytes : 0;
        if (csv_parse(&csv->parser, text, parsed, on_cell, on_row, csv) != parsed)
            return parse_error(rows, row, line_ended);
        if (csv->nomem)
            return rows->ended = ROWS_NOMEM;
        if (!fits)
            return long_row(rows, row, line_ended);
        csv->row_bytes += len;
        if (!csv->row_ended)
            continue;
        if (finish_row(rows, row))
            return ROWS_ROW;
        begin_row(rows);
    }
    return rows->finished ? finish_input(rows, row) : ROWS_MORE;
}
