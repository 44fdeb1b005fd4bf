/*
 * rows: a line that begins with the format (j: JSONL, a: array, c: CSV, anything else: by the content) and goes on with the
 * sizes of the pieces, a letter each (a is 1, z is 26; in turn); then the stream. Compiled with rows of at most 128 bytes,
 * which is what brings the limit within reach.
 */
#include <ctype.h>

#include "fuzz.h"
#include "rows.h"

static enum rows_format format_of(char c)
{
    return c == 'j' ? ROWS_JSONL : c == 'a' ? ROWS_JSON : c == 'c' ? ROWS_CSV : ROWS_ANY;
}

static void note_row(struct buf *seen, enum rows_status status, const struct row *row)
{
    size_t len = row->text ? row->len : 0;
    REQUIRE(row->line >= 1);
    REQUIRE(buf_printf(seen, "%d at %zu: ", (int)status, row->line) == BUF_OK);
    if (status == ROWS_ROW && row->text)
        REQUIRE(buf_append(seen, row->text, len) == BUF_OK);
    for (size_t i = 0; status == ROWS_ROW && i < row->count; len += row->cells[i++].len)
        REQUIRE(buf_printf(seen, "%zu=", row->cells[i].len) == BUF_OK &&
                buf_append(seen, row->cells[i].text, row->cells[i].len) == BUF_OK);
    REQUIRE(len <= ROWS_MAX_ROW);
    if (status == ROWS_BAD || status == ROWS_UNUSABLE)
        REQUIRE(row->error && *row->error && buf_puts(seen, row->error) == BUF_OK);
    REQUIRE(buf_putc(seen, '\n') == BUF_OK);
}

/* Put in the next piece. The size of the next one is the next letter's. */
static void feed(struct rows *rows, struct input *stream, const char *sizes, size_t *turn)
{
    size_t want = stream->left;
    if (*sizes) {
        if (!sizes[*turn])
            *turn = 0;
        want = (size_t)(tolower((unsigned char)sizes[(*turn)++]) & 31) + 1;
    }
    size_t n = want < stream->left ? want : stream->left;
    if (n == 0) {
        rows_finish(rows);
        return;
    }
    char *space = rows_space(rows, n);
    REQUIRE(space);
    memcpy(space, stream->at, n);
    rows_added(rows, n);
    stream->at += n;
    stream->left -= n;
}

/* Everything that comes of the stream, as text. Each row costs at least a byte of it, so it must come to an end. */
static void read_rows(struct buf *seen, enum rows_format format, struct input stream, const char *sizes)
{
    struct rows *rows = rows_new(format);
    struct row row;
    size_t turn = 0, steps = 0, total = stream.left;
    enum rows_status status;
    REQUIRE(rows);
    do {
        REQUIRE(steps++ <= 2 * total + 16);
        status = rows_next(rows, &row);
        REQUIRE(status != ROWS_NOMEM);
        if (status == ROWS_MORE)
            feed(rows, &stream, sizes, &turn);
        else if (status != ROWS_END)
            note_row(seen, status, &row);
        REQUIRE(rows_consumed(rows) <= total);
    } while (status != ROWS_END && status != ROWS_UNUSABLE);
    REQUIRE(rows_next(rows, &row) == status); /* it stays so */
    rows_free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {(const char *)data, size};
    struct buf whole, cut;
    char *how = input_line(&in);
    enum rows_format format = format_of(*how);
    buf_init(&whole, (size_t)1 << 24);
    buf_init(&cut, (size_t)1 << 24);
    read_rows(&whole, format, in, "");
    read_rows(&cut, format, in, *how && how[1] ? how + 1 : "a");
    REQUIRE(strcmp(buf_text(&whole), buf_text(&cut)) == 0 && whole.len == cut.len);
    buf_free(&whole);
    buf_free(&cut);
    free(how);
    return 0;
}
